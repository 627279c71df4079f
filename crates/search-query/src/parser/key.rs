//! What is left of the colon: plain and quoted keys, tags, flags, and functions.
//!
//! It reads and builds, and finds nothing: whether a key makes a filter is `filter`'s.

use super::Parser;
use crate::{
    Span,
    ast::{Argument, AttributeType, Key, KeyKind},
    scan::Scan,
};

/// A key that ends before `:`.
pub(super) struct Head<'q> {
    pub(super) negated: bool,
    pub(super) key: Key<'q>,
    /// Where an argument of a function is missing.
    pub(super) missing_argument: Option<usize>,
}

impl<'q> Parser<'q> {
    /// The key of a filter that starts here, with its `!`; none where this is free text.
    pub(super) fn filter_head(&self, at: usize) -> Option<Head<'q>> {
        let scan = self.scan;
        let negated = scan.is(at, b'!');
        let start = at + usize::from(negated);
        if let Some(key) = field_key(scan, start)
            && scan.is(key.span.end, b':')
        {
            return Some(Head { negated, key, missing_argument: None });
        }
        let (key, missing_argument) = aggregate_key(scan, start)?;
        let colon = key.span.end;
        (scan.is(colon, b':') && self.is_compared(&key, colon + 1)).then_some(Head {
            negated,
            key,
            missing_argument,
        })
    }
}

/// A field, a tag or a flag.
pub(super) fn field_key(scan: Scan<'_>, at: usize) -> Option<Key<'_>> {
    explicit_key(scan, at).or_else(|| plain_key(scan, at))
}

fn plain_key(scan: Scan<'_>, at: usize) -> Option<Key<'_>> {
    if scan.is(at, b'"') {
        let end = scan.escaped_key(at + 1);
        return (end > at + 1 && scan.is(end, b'"')).then(|| Key {
            span: Span::new(at, end + 1),
            raw: scan.slice(at, end + 1),
            name: scan.slice(at + 1, end),
            kind: KeyKind::Quoted,
        });
    }
    let end = scan.key(at);
    let raw = scan.slice(at, end);
    (end > at).then(|| Key { span: Span::new(at, end), raw, name: raw, kind: KeyKind::Plain })
}

/// `tags[name]`, `flags[name, number]`; the name may be quoted.
fn explicit_key(scan: Scan<'_>, at: usize) -> Option<Key<'_>> {
    let rest = scan.rest(at);
    let is_tag = rest.starts_with("tags[");
    if !is_tag && !rest.starts_with("flags[") {
        return None;
    }
    let open = at + if is_tag { 5 } else { 6 };
    let quote = usize::from(scan.is(open, b'"'));
    let name_end = scan.escaped_key(open + quote);
    if name_end == open + quote || (quote == 1 && !scan.is(name_end, b'"')) {
        return None;
    }
    let (kind, end) = attribute_type(scan, name_end + quote)?;
    Some(Key {
        span: Span::new(at, end),
        raw: scan.slice(at, end),
        name: scan.slice(open + quote, name_end),
        kind: if is_tag { KeyKind::Tag(kind) } else { KeyKind::Flag(kind) },
    })
}

/// `]` or `, number]`, and where it ends.
fn attribute_type(scan: Scan<'_>, at: usize) -> Option<(Option<AttributeType>, usize)> {
    if scan.is(at, b']') {
        return Some((None, at + 1));
    }
    let comma = scan.spaces(at);
    if !scan.is(comma, b',') {
        return None;
    }
    let start = scan.spaces(comma + 1);
    let end = scan.run(start, |byte| byte.is_ascii_lowercase());
    let kind = match scan.slice(start, end) {
        "string" => AttributeType::String,
        "number" => AttributeType::Number,
        "boolean" => AttributeType::Boolean,
        _ => return None,
    };
    scan.is(end, b']').then_some((Some(kind), end + 1))
}

/// `name(argument, …)`, and where an argument is missing.
fn aggregate_key(scan: Scan<'_>, at: usize) -> Option<(Key<'_>, Option<usize>)> {
    let open = scan.key(at);
    if open == at || !scan.is(open, b'(') {
        return None;
    }
    let mut arguments = Vec::new();
    let mut missing = None;
    let mut place = scan.spaces(open + 1);
    if let Some(first) = argument(scan, place) {
        place = first.span.end;
        arguments.push(first);
        loop {
            let comma = scan.spaces(place);
            if !scan.is(comma, b',') {
                break;
            }
            place = scan.spaces(comma + 1);
            if let Some(next) = argument(scan, place) {
                place = next.span.end;
                arguments.push(next);
            } else {
                missing = missing.or(Some(place));
            }
        }
    }
    let close = scan.spaces(place);
    if !scan.is(close, b')') {
        return None;
    }
    let key = Key {
        span: Span::new(at, close + 1),
        raw: scan.slice(at, close + 1),
        name: scan.slice(at, open),
        kind: KeyKind::Aggregate(arguments),
    };
    Some((key, missing))
}

fn argument(scan: Scan<'_>, at: usize) -> Option<Argument<'_>> {
    let end = if let Some(tag) = explicit_key(scan, at) {
        tag.span.end
    } else if scan.is(at, b'"') {
        let end = scan.quoted(at)?;
        let has_break = scan.slice(at, end).contains(['\t', '\n']);
        return (!has_break)
            .then(|| Argument { span: Span::new(at, end), raw: scan.slice(at, end) });
    } else {
        scan.run(at, |byte| !matches!(byte, b'(' | b')' | b'\t' | b'\n' | b',' | b' ' | b'"'))
    };
    (end > at).then(|| Argument { span: Span::new(at, end), raw: scan.slice(at, end) })
}
