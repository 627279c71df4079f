//! The tokens of a foreign query become conditions.
//!
//! It is generous: what it does not understand is text. It only answers where something
//! in the query is certainly foreign.

use super::tokens::{Token, is_filter, tokens};
use crate::{Span, ast::Query, scan::is_key_byte};

/// How deep parentheses may nest before it gives up.
const DEPTH: usize = 20;

/// What was recognized.
pub(super) struct Found {
    pub(super) is_sql: bool,
    /// The first thing that Sentry's syntax does not have.
    pub(super) marker: Span,
    /// The conditions, where all of them are understood.
    pub(super) expression: Option<Expression>,
}

/// Conditions and how they are joined.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Not(Box<Expression>),
    /// A field compared with values; more than one only for equality.
    Compare {
        key: String,
        sign: &'static str,
        values: Vec<String>,
    },
    /// The field exists.
    Has(String),
    /// As written, in Sentry's syntax.
    Native(String),
    Text(String),
}

/// Reads the query as foreign; none where nothing in it is.
pub(super) fn translate(query: &Query<'_>) -> Option<Found> {
    let mut reader = Reader {
        text: query.text(),
        tokens: tokens(query),
        at: 0,
        marker: None,
        is_sql: false,
        gave_up: false,
    };
    reader.skip_select();
    let expression = reader.or(0);
    reader.skip_tail();
    let understood = !reader.gave_up && reader.at >= reader.tokens.len();
    let marker = reader.marker?;
    Some(Found { is_sql: reader.is_sql, marker, expression: expression.filter(|_| understood) })
}

struct Reader<'q> {
    text: &'q str,
    tokens: Vec<(Token<'q>, Span)>,
    at: usize,
    marker: Option<Span>,
    is_sql: bool,
    gave_up: bool,
}

impl<'q> Reader<'q> {
    fn peek(&self, ahead: usize) -> Option<Token<'q>> {
        self.tokens.get(self.at + ahead).map(|(token, _)| *token)
    }

    fn span(&self, ahead: usize) -> Span {
        self.tokens.get(self.at + ahead).map_or(Span::empty(self.text.len()), |(_, span)| *span)
    }

    fn is_word(&self, ahead: usize, word: &str) -> bool {
        matches!(self.peek(ahead), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word))
    }

    fn is_sign(&self, ahead: usize, sign: &str) -> bool {
        self.peek(ahead)
            == Some(Token::Sign(match sign {
                "(" => "(",
                ")" => ")",
                "," => ",",
                "&&" => "&&",
                "||" => "||",
                "|" => "|",
                _ => return false,
            }))
    }

    /// Remembers that the tokens up to `ahead` are foreign.
    fn mark(&mut self, ahead: usize) {
        let span = self.span(0).to(self.span(ahead));
        self.marker.get_or_insert(span);
    }

    fn mark_sql(&mut self, ahead: usize) {
        self.is_sql = true;
        self.mark(ahead);
    }

    /// `SELECT … FROM … WHERE`, or a `WHERE` alone.
    fn skip_select(&mut self) {
        if self.is_word(0, "select") {
            let tokens = 1..self.tokens.len();
            let from = tokens.clone().find(|ahead| self.is_word(*ahead, "from"));
            let Some(from) = from else { return };
            self.mark_sql(0);
            let after = tokens.clone().find(|ahead| self.is_word(*ahead, "where"));
            // Without a condition only the table is left to skip.
            self.at = after.map_or(from + 2, |place| place + 1);
        } else if matches!(self.peek(0), Some(Token::Word("WHERE"))) {
            self.mark_sql(0);
            self.at += 1;
        }
    }

    /// `GROUP BY …`, `ORDER BY …`, `LIMIT …` at the end.
    fn skip_tail(&mut self) {
        if self.is_tail() {
            self.mark_sql(0);
            self.at = self.tokens.len();
        } else if self.is_sign(0, "|") {
            self.mark(0);
            self.gave_up = true;
        }
    }

    fn is_tail(&self) -> bool {
        let by = self.is_word(1, "by");
        (by && (self.is_word(0, "order") || self.is_word(0, "group")))
            || (self.is_sql && self.is_word(0, "limit"))
    }

    fn or(&mut self, depth: usize) -> Option<Expression> {
        let mut terms = vec![self.and(depth)?];
        while self.is_word(0, "or") || self.is_sign(0, "||") {
            if self.is_sign(0, "||") {
                self.mark(0);
            }
            self.at += 1;
            terms.push(self.and(depth)?);
        }
        Some(if terms.len() == 1 { terms.remove(0) } else { Expression::Or(terms) })
    }

    fn and(&mut self, depth: usize) -> Option<Expression> {
        let mut terms = Vec::new();
        loop {
            if self.is_word(0, "and") || self.is_sign(0, "&&") {
                if self.is_sign(0, "&&") {
                    self.mark(0);
                }
                self.at += 1;
                continue;
            }
            let stops = self.peek(0).is_none()
                || self.is_word(0, "or")
                || self.is_sign(0, "||")
                || self.is_sign(0, ")")
                || self.is_sign(0, "|")
                || self.is_tail();
            if stops {
                break;
            }
            terms.push(self.not(depth)?);
        }
        match terms.len() {
            0 => None,
            1 => terms.pop(),
            _ => Some(Expression::And(terms)),
        }
    }

    fn not(&mut self, depth: usize) -> Option<Expression> {
        if depth > DEPTH {
            self.gave_up = true;
            return None;
        }
        let opens =
            matches!(self.peek(1), Some(Token::Native(_) | Token::Sign("(") | Token::Colon(_)));
        let compared = self.sign_at(2).is_some();
        let is_not = self.is_word(0, "not") && (opens || compared);
        let is_sign = matches!(self.peek(0), Some(Token::Sign("!" | "-"))) && (opens || compared);
        if is_not || is_sign {
            self.mark(usize::from(is_sign && !self.is_sign(1, "(")));
            self.at += 1;
            return Some(Expression::Not(Box::new(self.not(depth + 1)?)));
        }
        if self.peek(0) == Some(Token::Sign("+")) && opens {
            self.mark(1);
            self.at += 1;
        }
        if self.is_sign(0, "(") {
            self.at += 1;
            let inner = self.or(depth + 1)?;
            if !self.is_sign(0, ")") {
                self.gave_up = true;
                return None;
            }
            self.at += 1;
            return Some(inner);
        }
        self.condition()
    }

    fn condition(&mut self) -> Option<Expression> {
        let span = self.span(0);
        if let Some(found) = self.comparison().or_else(|| self.predicate()) {
            return Some(found);
        }
        let token = self.peek(0)?;
        let raw = span.of(self.text);
        self.at += 1;
        Some(match token {
            Token::Native(_) => match raw.strip_prefix("_exists_:") {
                Some(field) => {
                    self.marker.get_or_insert(span);
                    Expression::Has(field.to_owned())
                }
                None => Expression::Native(raw.to_owned()),
            },
            Token::Colon(key) => return self.after_colon(key, span),
            Token::Word(word) => match foreign_filter(word) {
                Some(filter) => {
                    self.marker.get_or_insert(span);
                    Expression::Native(filter.to_owned())
                }
                None => Expression::Text(raw.to_owned()),
            },
            Token::Quoted(_) => Expression::Text(raw.to_owned()),
            Token::Sign(_) => {
                self.gave_up = true;
                Expression::Text(raw.to_owned())
            }
        })
    }

    /// `key = value`, `count(*) > 5`.
    fn comparison(&mut self) -> Option<Expression> {
        let (key, length) = self.operand()?;
        let sign = self.sign_at(length)?;
        let value = self.value(length + 1)?;
        // An order needs something that has one: `a > b` is an arrow in a message.
        let is_order = matches!(sign, ">" | ">=" | "<" | "<=");
        if is_order && !value.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+')) {
            return None;
        }
        let quoted = matches!(self.peek(length + 1), Some(Token::Quoted(_)))
            && self.text.as_bytes().get(self.span(length + 1).start) == Some(&b'\'');
        self.is_sql |= quoted;
        self.mark(length + 1);
        self.at += length + 2;
        if value.eq_ignore_ascii_case("null") {
            let has = Expression::Has(key);
            return Some(if sign == "=" { Expression::Not(Box::new(has)) } else { has });
        }
        let mut values = vec![value];
        if values.first().is_some_and(|value| value == "currentUser") && self.is_sign(0, "(") {
            self.at += 2;
            values = vec!["me".to_owned()];
        }
        Some(Expression::Compare { key, sign, values })
    }

    /// The sign of a comparison, in Sentry's spelling.
    fn sign_at(&self, ahead: usize) -> Option<&'static str> {
        let Some(Token::Sign(sign)) = self.peek(ahead) else { return None };
        Some(match sign {
            "=" | "==" | "===" => "=",
            "!=" | "!==" | "<>" => "!=",
            ">" => ">",
            ">=" => ">=",
            "<" => "<",
            "<=" => "<=",
            "=~" | "~" => "~",
            "!~" => "!~",
            _ => return None,
        })
    }

    /// A field or a function, and how many tokens it takes.
    fn operand(&self) -> Option<(String, usize)> {
        let Some(Token::Word(word)) = self.peek(0) else { return None };
        let key = word.strip_prefix('@').unwrap_or(word).trim_matches('`');
        let starts = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !starts || !key.bytes().all(is_key_byte) {
            return None;
        }
        if !self.is_sign(1, "(") {
            return Some((key.to_owned(), 1));
        }
        let close = (2..8).find(|ahead| self.is_sign(*ahead, ")"))?;
        let inner = Span::new(self.span(1).end, self.span(close).start).of(self.text).trim();
        let inner = if inner == "*" { "" } else { inner };
        Some((format!("{}({inner})", key.to_ascii_lowercase()), close + 1))
    }

    fn value(&self, ahead: usize) -> Option<String> {
        match self.peek(ahead)? {
            Token::Word(word) => Some(word.trim_end_matches(';').to_owned()),
            Token::Quoted(inner) => Some(inner.to_owned()),
            Token::Sign("-") => {
                let Some(Token::Word(word)) = self.peek(ahead + 1) else { return None };
                Some(format!("-{word}"))
            }
            _ => None,
        }
    }

    /// `key IN (…)`, `key LIKE '…'`, `key IS NULL`, `key BETWEEN … AND …`.
    fn predicate(&mut self) -> Option<Expression> {
        let (key, length) = self.operand()?;
        let negated = self.is_word(length, "not");
        let verb = length + usize::from(negated);
        let negate = |found| if negated { Expression::Not(Box::new(found)) } else { found };
        if self.is_word(verb, "in") && self.is_sign(verb + 1, "(") {
            let (values, end) = self.values(verb + 2)?;
            self.mark_sql(verb);
            self.at += end;
            return Some(negate(Expression::Compare { key, sign: "=", values }));
        }
        if (self.is_word(verb, "like") || self.is_word(verb, "ilike"))
            && matches!(self.peek(verb + 1), Some(Token::Quoted(_)))
        {
            let values = vec![self.value(verb + 1)?.replace('%', "*")];
            self.mark_sql(verb);
            self.at += verb + 2;
            return Some(negate(Expression::Compare { key, sign: "=", values }));
        }
        if matches!(self.peek(length), Some(Token::Word("IS"))) {
            let not = self.is_word(length + 1, "not");
            let null = length + 1 + usize::from(not);
            if !self.is_word(null, "null") {
                return None;
            }
            self.mark_sql(null);
            self.at += null + 1;
            let has = Expression::Has(key);
            return Some(if not { has } else { Expression::Not(Box::new(has)) });
        }
        if self.is_word(verb, "between") && self.is_word(verb + 2, "and") && !negated {
            let (from, to) = (self.value(verb + 1)?, self.value(verb + 3)?);
            self.mark_sql(verb);
            self.at += verb + 4;
            return Some(range(&key, from, to));
        }
        None
    }

    /// Values up to `)`, with commas or `OR` between them, and where they end.
    fn values(&self, from: usize) -> Option<(Vec<String>, usize)> {
        let mut values = Vec::new();
        let mut ahead = from;
        loop {
            values.push(self.value(ahead)?);
            ahead += 1;
            if self.is_sign(ahead, ")") {
                return Some((values, ahead + 1));
            }
            if !(self.is_sign(ahead, ",") || self.is_word(ahead, "or")) {
                return None;
            }
            ahead += 1;
        }
    }

    /// `key: value`, `key:(a OR b)`, `key:[1 TO 5]`.
    fn after_colon(&mut self, key: &str, span: Span) -> Option<Expression> {
        if self.is_sign(0, "(") {
            let Some((values, end)) = self.values(1) else {
                self.gave_up = true;
                return None;
            };
            self.marker.get_or_insert(span);
            self.at += end;
            return Some(Expression::Compare { key: key.to_owned(), sign: "=", values });
        }
        let from = self.value(0).and_then(|from| from.strip_prefix('[').map(str::to_owned));
        let to = self.value(2).and_then(|to| to.strip_suffix(']').map(str::to_owned));
        if let (Some(from), true, Some(to)) = (from, self.is_word(1, "to"), to) {
            self.marker.get_or_insert(span);
            self.at += 3;
            return Some(range(key, from, to));
        }
        let Some(value) = self.value(0) else {
            self.gave_up = true;
            return None;
        };
        self.at += 1;
        Some(Expression::Compare { key: key.to_owned(), sign: "=", values: vec![value] })
    }
}

/// `@key:value` without its sign.
fn foreign_filter(word: &str) -> Option<&str> {
    word.strip_prefix('@').filter(|inner| is_filter(inner))
}

fn range(key: &str, from: String, to: String) -> Expression {
    let half = |sign, value: String| {
        (value != "*").then(|| Expression::Compare {
            key: key.to_owned(),
            sign,
            values: vec![value],
        })
    };
    Expression::And([half(">=", from), half("<=", to)].into_iter().flatten().collect())
}
