//! Legal queries that probably do not mean what their author wants. All are warnings.

use crate::{
    Code, Dataset, Diagnostic, Span,
    ast::{Filter, KeyKind, Query, Term, Text, Value},
    findings::Findings,
    parser::escape,
    scan::is_key_byte,
};

/// Keys whose values are often several words.
const WORDY: &[&str] = &[
    "browser",
    "browser.name",
    "culprit",
    "device",
    "device.family",
    "device.model",
    "device.name",
    "error.value",
    "geo.city",
    "geo.region",
    "message",
    "os",
    "os.name",
    "span.description",
    "span.name",
    "title",
    "user.display",
    "user.name",
    "user.username",
];

/// Checks terms with their neighbors, in groups, too.
pub(super) fn check(query: &Query<'_>, dataset: Dataset, findings: &mut Findings) {
    level(query.terms(), dataset, findings);
}

fn level(terms: &[Term<'_>], dataset: Dataset, findings: &mut Findings) {
    for (position, term) in terms.iter().enumerate() {
        if findings.is_full() {
            return;
        }
        let next = terms.get(position + 1);
        match term {
            Term::Filter(filter) => of_filter(filter, next, findings),
            Term::Text(text) => of_text(*text, next, dataset, findings),
            Term::Group(group) => level(&group.terms, dataset, findings),
            Term::Operator(_) => {}
        }
    }
}

fn of_filter(filter: &Filter<'_>, next: Option<&Term<'_>>, findings: &mut Findings) {
    let KeyKind::Plain = filter.key.kind else { return };
    if findings.touches(filter.span) {
        return;
    }
    let key = filter.key.name;
    let value = filter.value.raw();
    if !filter.negated && key.len() > 1 && key.starts_with('-') && !key.starts_with("--") {
        let message = "`-` does not exclude in Sentry's syntax, and this searches for a tag of that \
                       name: write `!` before the key";
        let finding = Diagnostic::warning(filter.key.span, Code::ForeignSyntax, message);
        findings.push(finding.fix(Span::new(filter.span.start, filter.span.start + 1), "!"));
        return;
    }
    let is_address = value.starts_with("//") && key.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_path = value.starts_with(':') && filter.comparison.is_none();
    if is_address || is_path {
        let message = format!(
            "this is read as the tag `{key}` with the value `{value}`: put it in double quotes to \
             search for the text"
        );
        let text = format!("\"{}\"", escape(&filter.to_string()));
        let finding = Diagnostic::warning(filter.span, Code::LooksLikeText, message);
        findings.push(finding.fix(filter.span, text));
        return;
    }
    wordy(filter, next, findings);
}

/// `message:connection refused`.
fn wordy(filter: &Filter<'_>, next: Option<&Term<'_>>, findings: &mut Findings) {
    let Value::One(scalar) = filter.value else { return };
    let Some(Term::Text(text)) = next else { return };
    let is_next = text.span.start == filter.span.end + 1;
    if scalar.quoted || text.quoted || !is_next || !WORDY.contains(&filter.key.name) {
        return;
    }
    let message = format!(
        "`{}:` ends at the space, and `{}` is searched as free text: quote the value if it has a \
         space",
        filter.key.raw,
        clipped(text.raw)
    );
    let whole = scalar.span.to(text.span);
    let quoted = format!("\"{} {}\"", escape(scalar.raw), escape(text.raw));
    let finding = Diagnostic::warning(text.span, Code::SpaceInValue, message);
    findings.push(finding.fix(whole, quoted));
}

fn of_text(text: Text<'_>, next: Option<&Term<'_>>, dataset: Dataset, findings: &mut Findings) {
    if text.quoted || findings.touches(text.span) {
        return;
    }
    if text.raw == "()" {
        let message =
            "nothing is between the parentheses, so they are searched as text: remove them";
        let finding = Diagnostic::warning(text.span, Code::EmptyGroup, message);
        findings.push(finding.fix(text.span, ""));
        return;
    }
    if text.raw.starts_with('!') {
        of_negation(text, next, dataset, findings);
        return;
    }
    let mut place = text.span.start;
    for word in text.raw.split(' ') {
        let span = Span::new(place, place + word.len());
        place = span.end + 1;
        if let Some(finding) = of_word(word, span, dataset) {
            findings.push(finding);
            return;
        }
    }
}

/// `!word`, `!(…)`: only a filter can be excluded.
fn of_negation(text: Text<'_>, next: Option<&Term<'_>>, dataset: Dataset, findings: &mut Findings) {
    let span = Span::new(text.span.start, text.span.start + 1);
    if let Some(Term::Group(group)) = next
        && text.raw == "!"
    {
        let message = "`!` cannot stand before a group, and is searched as text: write `!` before \
                       each key, or `!key:[a, b]`";
        let finding = Diagnostic::warning(span, Code::NegationOfText, message);
        let fixed = super::boolean::same_key(&group.terms, 1)
            .filter(|(_, _, next)| *next >= group.terms.len())
            .map(|(_, list, _)| format!("!{list}"));
        findings.push(match fixed {
            Some(fixed) => finding.fix(span.to(group.span), fixed),
            None => finding,
        });
        return;
    }
    let word = text.raw.get(1..).unwrap_or_default().split(' ').next().unwrap_or_default();
    if word.is_empty() || word.starts_with(['!', '=']) {
        return;
    }
    let field = dataset.free_text_field();
    let message = format!(
        "`!` excludes only before a key, and is searched as text here: write `!{field}:` to exclude \
         a text"
    );
    let finding = Diagnostic::warning(span, Code::NegationOfText, message);
    let whole = Span::new(span.start, span.start + 1 + word.len());
    findings.push(if word.contains(['*', '"', '\\', '(']) {
        finding
    } else {
        finding.fix(whole, format!("!{field}:*{word}*"))
    });
}

fn of_word(word: &str, span: Span, dataset: Dataset) -> Option<Diagnostic> {
    if (word.starts_with("tags[") || word.starts_with("flags[")) && word.contains(']') {
        let message = "this is no key, so it is searched as text: a tag is written `tags[name]` or \
                       `tags[name,number]`, and a name has only letters, digits, `_`, `.`, `-` and \
                       `:`";
        return Some(Diagnostic::warning(span, Code::NotAKey, message));
    }
    let open = word.find('(')?;
    let name = word.get(..open)?;
    let is_call = word.ends_with(')') && name.bytes().all(is_key_byte);
    if is_call && dataset.allows_aggregates() && crate::fields::function(dataset, name).is_some() {
        let message = format!(
            "`{name}` without a comparison is searched as text: compare it, `{word}:>5`, or ask for \
             it as a column"
        );
        return Some(Diagnostic::warning(span, Code::AggregateWithoutComparison, message));
    }
    None
}

/// At most a few words of a text, for a message.
fn clipped(text: &str) -> &str {
    match text.char_indices().nth(40) {
        Some((at, _)) => text.get(..at).unwrap_or(text),
        None => text,
    }
}
