//! The words and signs of a foreign query.
//!
//! What Sentry's grammar reads as a good filter stays one token, so that a query that
//! mixes both is understood, too.

use crate::{
    Span,
    ast::{Filter, Query},
    scan::is_key_byte,
};

/// One word or sign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'q> {
    /// Letters up to a space or a sign.
    Word(&'q str),
    /// What is between single or double quotes.
    Quoted(&'q str),
    /// `=`, `!=`, `>=`, `&&`, `-`, ….
    Sign(&'static str),
    /// A filter in Sentry's syntax.
    Native(Span),
    /// `key:` without a value.
    Colon(&'q str),
}

/// Signs, longest first.
const SIGNS: &[&str] = &[
    "!==", "===", "==", "!=", "<>", ">=", "<=", "=~", "!~", "&&", "||", "=", ">", "<", "(", ")",
    ",", "|", "~",
];

/// The tokens with their places.
pub(super) fn tokens<'q>(query: &Query<'q>) -> Vec<(Token<'q>, Span)> {
    let text = query.text();
    let mut filters = query.filters().peekable();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < text.len() {
        while filters.next_if(|filter| filter.span.start < at).is_some() {}
        if let Some(filter) = filters.next_if(|filter| filter.span.start == at) {
            at = native(text, filter, &mut tokens);
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        let (token, length) = next(rest);
        let span = Span::new(at, at + length);
        let is_signed =
            matches!(tokens.last(), Some((Token::Sign("+" | "-" | "!"), sign)) if sign.end == at);
        match token {
            Some(Token::Word(word)) if is_signed && is_filter(word) => {
                tokens.push((Token::Native(span), span));
            }
            Some(token) => tokens.push((token, span)),
            None => {}
        }
        at += length;
    }
    tokens
}

/// `key:value`.
pub(super) fn is_filter(word: &str) -> bool {
    word.split_once(':').is_some_and(|(key, value)| {
        let is_key =
            key.starts_with(|c: char| c.is_ascii_alphabetic()) && key.bytes().all(is_key_byte);
        is_key && !value.is_empty()
    })
}

/// The tokens of a filter, and where they end.
fn native<'q>(text: &'q str, filter: &Filter<'q>, out: &mut Vec<(Token<'q>, Span)>) -> usize {
    let mut span = filter.span;
    if !filter.negated && filter.key.name.len() > 1 && filter.key.name.starts_with('-') {
        out.push((Token::Sign("-"), Span::new(span.start, span.start + 1)));
        span.start += 1;
    }
    let value = filter.value.raw();
    let broken = value.is_empty() || (value.starts_with('[') && !filter.value.is_list());
    if broken && filter.comparison.is_none() {
        let colon = Span::new(span.start, filter.key.span.end + 1);
        if filter.negated {
            out.push((Token::Sign("!"), Span::new(span.start, span.start + 1)));
        }
        let key = Span::new(span.start + usize::from(filter.negated), filter.key.span.end);
        out.push((Token::Colon(key.of(text)), colon));
        return colon.end;
    }
    out.push((Token::Native(span), span));
    span.end
}

/// The token at the start of `rest`; none for a space. Its length is at least one byte.
fn next(rest: &str) -> (Option<Token<'_>>, usize) {
    let Some(first) = rest.chars().next() else { return (None, 1) };
    if first.is_whitespace() {
        return (None, first.len_utf8());
    }
    if (first == '\'' || first == '"')
        && let Some(inner) = rest.get(1..).and_then(|rest| rest.split_once(first))
    {
        return (Some(Token::Quoted(inner.0)), inner.0.len() + 2);
    }
    if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
        return (Some(Token::Sign(sign)), sign.len());
    }
    let is_start =
        |at: usize| SIGNS.iter().any(|sign| rest.get(at..).unwrap_or_default().starts_with(sign));
    let end = rest
        .char_indices()
        .skip(1)
        .find(|(at, character)| character.is_whitespace() || *character == '"' || is_start(*at))
        .map_or(rest.len(), |(at, _)| at);
    let word = rest.get(..end).unwrap_or(rest);
    match (first, word.get(1..)) {
        ('!', Some("")) => (Some(Token::Sign("!")), 1),
        ('-' | '+', Some(inner)) if inner.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            (Some(Token::Sign(if first == '-' { "-" } else { "+" })), 1)
        }
        _ => (Some(Token::Word(word)), end),
    }
}
