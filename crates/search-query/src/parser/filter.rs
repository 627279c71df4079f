//! A filter, from its key to the end of its value.
//!
//! It finds what is wrong with the form of the value. What the value must be for the
//! field is `fields`'.

use super::{
    Parser,
    key::{Head, field_key},
};
use crate::{
    Code, Dataset, Diagnostic, Span,
    ast::{Comparison, Filter, Key, Matching, Value},
    fields,
    value::Scalar,
};

impl<'q> Parser<'q> {
    /// Whether a function's comparison starts at `at`. After a known function any colon is
    /// one; after any other name with parentheses it may be text from a program.
    pub(super) fn is_compared(&self, key: &Key<'q>, at: usize) -> bool {
        let (_, start) = comparison(self, at);
        self.aggregate_value(start).is_some()
            || (self.dataset.allows_boolean() && is_function(key.name))
    }

    /// The filter whose key is known.
    pub(super) fn filter(&mut self, at: usize, head: Head<'q>) -> Filter<'q> {
        let Head { negated, key, missing_argument } = head;
        if let Some(place) = missing_argument {
            let message = "an argument is missing here: remove the comma, or add the argument";
            let span = Span::empty(place);
            self.findings.push(Diagnostic::error(span, Code::AggregateArguments, message));
        }
        let start = key.span.end + 1;
        let mut filter = Filter {
            span: Span::new(at, start),
            negated,
            key,
            matching: None,
            comparison: None,
            comparison_span: Span::empty(start),
            value: Value::One(self.scalar(start, start)),
        };
        if filter.is_has() {
            filter.value = self.has_value(start);
        } else if filter.is_aggregate() {
            self.aggregate(&mut filter);
        } else {
            self.field_value(&mut filter);
        }
        filter.span.end = filter.value.span().end;
        self.check_end(&filter);
        filter
    }

    /// `has:` takes a key. `has:[a, b]`, any of them, is newer and is read as a list.
    fn has_value(&mut self, start: usize) -> Value<'q> {
        if let Some(key) = field_key(self.scan, start) {
            return Value::One(self.scalar(start, key.span.end));
        }
        if self.scan.is(start, b'[')
            && let Some(list) = self.list(start)
        {
            return list;
        }
        let end = self.scan.quoted(start).unwrap_or_else(|| self.scan.value(start));
        let span = Span::new(start, end);
        let message = "`has:` is followed by the name of a field or tag, such as `has:user.email`, \
                       without a space";
        self.findings.push(Diagnostic::error(span, Code::HasNeedsField, message));
        Value::One(self.scalar(start, end))
    }

    fn aggregate(&mut self, filter: &mut Filter<'q>) {
        self.compare(filter);
        let start = filter.comparison_span.end;
        if let Some(end) = self.aggregate_value(start) {
            filter.value = Value::One(self.scalar(start, end));
            return;
        }
        let end = self.scan.quoted(start).unwrap_or_else(|| self.scan.value(start));
        filter.value = Value::One(self.scalar(start, end));
        let name = filter.key.name;
        if end == start {
            self.empty_value(filter);
        } else {
            let message = format!(
                "`{name}()` is compared with a number, a duration (`500ms`), a size (`10kb`), a \
                 percentage (`5%`) or a date"
            );
            let span = Span::new(start, end);
            self.findings.push(Diagnostic::error(span, Code::AggregateValue, message));
        }
    }

    /// Where the value of a function ends: only values with an order are any.
    fn aggregate_value(&self, start: usize) -> Option<usize> {
        let scan = self.scan;
        let end = scan.value(start);
        let whole = self.scalar(start, end);
        let ends = scan.is_value_end(end);
        if ends
            && (whole.as_number().is_some()
                || whole.as_duration().is_some()
                || whole.is_size()
                || whole.as_when().is_some())
        {
            return Some(end);
        }
        let number = scan.number(start);
        if number > start && scan.is(number, b'%') {
            return Some(number + 1);
        }
        scan.numeric_value(start)
    }

    fn field_value(&mut self, filter: &mut Filter<'q>) {
        let colon = filter.comparison_span.start;
        if let Some((matching, end)) = matching(self.scan.rest(colon)) {
            filter.matching = Some(matching);
            filter.comparison_span = Span::empty(colon + end);
        }
        self.compare(filter);
        let start = filter.comparison_span.end;
        if self.scan.is(start, b'[')
            && let Some(value) = self.list(start)
        {
            if filter.comparison.is_some() {
                self.compared_list(filter, &value);
            }
            filter.value = value;
            return;
        }
        let end = if let Some(end) = self.scan.quoted(start) {
            end
        } else if let Some(end) = self.scan.numeric_value(start) {
            end
        } else {
            self.unquoted_value(start)
        };
        filter.value = Value::One(self.scalar(start, end));
        if end == start {
            self.empty_value(filter);
        }
    }

    /// An unquoted value; a quote in it must be escaped.
    fn unquoted_value(&mut self, start: usize) -> usize {
        let end = self.scan.value(start);
        let raw = self.scan.slice(start, end);
        let stray = raw
            .bytes()
            .enumerate()
            .find(|(at, byte)| *byte == b'"' && (*at == 0 || raw.as_bytes()[at - 1] != b'\\'));
        let Some((offset, _)) = stray else { return end };
        if offset == 0 {
            return self.unterminated(start);
        }
        let place = Span::new(start + offset, start + offset + 1);
        let message = "a quote inside an unquoted value: put the whole value in double quotes, \
                       and write `\\\"` for a quote that belongs to it";
        let closes = raw.ends_with('"') && raw.matches('"').count() == 2;
        let inner = if closes { raw.replace('"', "") } else { escape(raw) };
        let finding = Diagnostic::error(place, Code::StrayQuote, message);
        self.findings.push(finding.fix(Span::new(start, end), format!("\"{inner}\"")));
        end
    }

    /// A quote that nothing closes; the rest of the text is in it.
    pub(super) fn unterminated(&mut self, start: usize) -> usize {
        let end = self.scan.text.trim_end().len().max(start + 1);
        let message = "this quote is never closed: add `\"` at the end of the text that it opens";
        let finding =
            Diagnostic::error(Span::new(start, start + 1), Code::UnterminatedQuote, message);
        self.findings.push(finding.fix(Span::empty(end), "\""));
        end
    }

    fn empty_value(&mut self, filter: &Filter<'q>) {
        if !self.findings.wants_error() {
            return;
        }
        let end = filter.comparison_span.end;
        let span = Span::new(filter.key.span.start, end);
        let key = filter.key.raw;
        let what = match filter.comparison {
            Some(comparison) => format!("`{key}:{}` has no value", comparison.sign()),
            None => format!("`{key}:` has no value"),
        };
        let next = self.scan.spaces(end);
        let finding =
            |message: &str| Diagnostic::error(span, Code::EmptyValue, format!("{what}: {message}"));
        let finding = match self.scan.at(next) {
            Some(b'(') => finding(
                "a list of values is written in brackets, `key:[a, b]`, and a value with a \
                 parenthesis in double quotes",
            ),
            Some(byte) if next > end && !matches!(byte, b')' | b'\n' | b'\t') => {
                self.detached_value(filter, next, finding)
            }
            _ => finding(
                "write one right after it, or `\"\"` for the empty value, or `has:` to ask for any",
            ),
        };
        self.findings.push(finding);
    }

    /// `level: error` and `TypeError: x is undefined`, of which one is a filter.
    fn detached_value(
        &self,
        filter: &Filter<'q>,
        next: usize,
        finding: impl Fn(&str) -> Diagnostic,
    ) -> Diagnostic {
        let end = filter.comparison_span.end;
        let name = filter.key.name;
        let is_text = name.starts_with(|c: char| c.is_ascii_uppercase())
            && fields::field(self.dataset, name).is_none()
            && filter.comparison.is_none();
        if !is_text {
            return finding("write the value right after it, without a space")
                .fix(Span::new(end, next), "");
        }
        let last = self.sentence(next);
        let whole = Span::new(filter.span.start, last);
        finding("put the text in double quotes to search for it")
            .fix(whole, format!("\"{}\"", escape(whole.of(self.scan.text))))
    }

    fn compared_list(&mut self, filter: &Filter<'q>, value: &Value<'q>) {
        let negated = filter.negated != (filter.comparison == Some(Comparison::NotEqual));
        let sign = if negated { "!" } else { "" };
        let whole = Span::new(filter.span.start, value.span().end);
        let message = "a list is not compared: it matches any of its values, or with `!` before \
                       the key none of them";
        let finding = Diagnostic::error(filter.comparison_span, Code::InvalidOperator, message);
        let fixed = format!("{sign}{}:{}", filter.key.raw, value.raw());
        self.findings.push(finding.fix(whole, fixed));
    }

    /// What follows a value without a space is another term to Sentry.
    fn check_end(&mut self, filter: &Filter<'q>) {
        let value = filter.value.span();
        let end = value.end;
        if self.scan.is_value_end(end)
            || self.findings.is_full()
            || self.findings.touches(filter.span)
        {
            return;
        }
        if self.scan.is(end, b'(') {
            let last = balanced(self.scan.text, end);
            let inner = escape(self.scan.slice(value.start, last));
            let message = "an unquoted value stops at a parenthesis, and the rest is searched as \
                           text: put the whole value in double quotes";
            let finding = Diagnostic::warning(
                Span::new(value.start, last),
                Code::ValueEndsAtParenthesis,
                message,
            );
            let fix = Span::new(value.start, last);
            self.findings.push(finding.fix(fix, format!("\"{inner}\"")));
            return;
        }
        let last = self.scan.word(end);
        let rest = Span::new(end, last);
        let read = filter.value.raw();
        if self.scan.is(end, b',') {
            let whole = Span::new(value.start, last);
            let items = whole.of(self.scan.text).trim_end_matches(',');
            let (advice, fixed) = if filter.comparison.is_some() {
                ("a number has no comma", items.replace(',', ""))
            } else {
                ("a list is written in brackets", format!("[{}]", items.replace(',', ", ")))
            };
            let message = format!(
                "Sentry reads only `{read}` as the value, and searches the rest as text: {advice}"
            );
            let finding = Diagnostic::warning(rest, Code::MissingSpace, message);
            self.findings.push(finding.fix(whole, fixed));
            return;
        }
        let message = format!(
            "the value ends after `{read}`, and what follows is another term: put a space between \
             them, or put everything in double quotes"
        );
        let finding = Diagnostic::warning(rest, Code::MissingSpace, message);
        self.findings.push(finding.fix(Span::empty(end), " "));
    }

    fn compare(&self, filter: &mut Filter<'q>) {
        let start = filter.comparison_span.end;
        let (found, end) = comparison(self, start);
        filter.comparison = found;
        filter.comparison_span = Span::new(start, end);
        filter.value = Value::One(self.scalar(end, end));
    }

    pub(super) fn scalar(&self, start: usize, end: usize) -> Scalar<'q> {
        let raw = self.scan.slice(start, end);
        let quoted = raw.len() > 1 && raw.starts_with('"') && raw.ends_with('"');
        Scalar { span: Span::new(start, end), raw, quoted }
    }
}

fn is_function(name: &str) -> bool {
    Dataset::ALL.iter().any(|dataset| fields::function(*dataset, name).is_some())
}

/// The comparison at `at`, and where it ends.
fn comparison(parser: &Parser<'_>, at: usize) -> (Option<Comparison>, usize) {
    let equals = parser.scan.is(at + 1, b'=');
    match parser.scan.at(at) {
        Some(b'>') if equals => (Some(Comparison::GreaterOrEqual), at + 2),
        Some(b'<') if equals => (Some(Comparison::LessOrEqual), at + 2),
        Some(b'>') => (Some(Comparison::Greater), at + 1),
        Some(b'<') => (Some(Comparison::Less), at + 1),
        Some(b'=') => (Some(Comparison::Equal), at + 1),
        Some(b'!') if equals => (Some(Comparison::NotEqual), at + 2),
        _ => (None, at),
    }
}

/// `Contains` and the like between two characters U+F00D, and its length.
fn matching(rest: &str) -> Option<(Matching, usize)> {
    const MARK: char = '\u{f00d}';
    let inner = rest.strip_prefix(MARK)?;
    [Matching::Contains, Matching::StartsWith, Matching::EndsWith].into_iter().find_map(|found| {
        let after = inner.strip_prefix(found.word())?.strip_prefix(MARK)?;
        Some((found, rest.len() - after.len()))
    })
}

/// With a backslash before every quote that has none.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 2);
    let mut before = ' ';
    for character in text.chars() {
        if character == '"' && before != '\\' {
            escaped.push('\\');
        }
        escaped.push(character);
        before = character;
    }
    escaped
}

/// Past the word that has the parenthesis at `open`, with all that the parentheses hold,
/// and no further than a few hundred bytes.
fn balanced(text: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, byte) in text.bytes().enumerate().skip(open).take(400) {
        match byte {
            b'(' => depth += 1,
            b')' | b' ' | b'\n' if depth == 0 => return offset,
            b')' => depth -= 1,
            _ => {}
        }
    }
    let mut end = text.len().min(open + 400);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}
