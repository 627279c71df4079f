//! The first form of an HTML page, as a browser without scripts sees it. No general HTML parser:
//! it reads the pages of this repository.

use anyhow::Context as _;

/// A form and what is in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// Where it is sent.
    pub(crate) action: String,
    fields: Vec<Field>,
}

#[derive(Debug, PartialEq, Eq)]
struct Field {
    kind: Kind,
    name: String,
    value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Sent as it is.
    Plain,
    /// A checkbox or radio button.
    Choice {
        ticked: bool,
    },
    Button,
}

impl Form {
    /// The first form of a page.
    pub(crate) fn find(html: &str) -> Option<Form> {
        let inside = &html[html.find("<form")?..];
        let inside = &inside[..inside.find("</form>")?];
        let mut tags =
            inside.split('<').filter_map(|part| part.split_once('>')).map(|(tag, _)| tag);
        let action = attribute(tags.next()?, "action").unwrap_or_default();
        let fields = tags.filter_map(field).collect();
        Some(Form { action, fields })
    }

    /// Ticks the choices with this value; one that is not there is nobody's mistake.
    pub(crate) fn tick(&mut self, value: &str) {
        for field in self.fields.iter_mut().filter(|field| field.value == value) {
            if let Kind::Choice { ticked } = &mut field.kind {
                *ticked = true;
            }
        }
    }

    /// The body of the form when the button with this value is pressed.
    pub(crate) fn press(&self, button: &str) -> anyhow::Result<String> {
        let pressed = self
            .fields
            .iter()
            .position(|field| field.kind == Kind::Button && field.value == button)
            .with_context(|| format!("no button {button:?}"))?;
        let sent = self.fields.iter().enumerate().filter(|(index, field)| match field.kind {
            Kind::Plain => true,
            Kind::Choice { ticked } => ticked,
            Kind::Button => *index == pressed,
        });
        let pairs: Vec<_> =
            sent.map(|(_, field)| (field.name.as_str(), field.value.as_str())).collect();
        Ok(encode(&pairs))
    }
}

/// The body of a form (`application/x-www-form-urlencoded`).
pub(crate) fn encode(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn field(tag: &str) -> Option<Field> {
    let kind = match tag.split_ascii_whitespace().next()? {
        "button" => Kind::Button,
        "input" => match attribute(tag, "type").as_deref() {
            Some("checkbox" | "radio") => Kind::Choice { ticked: has(tag, "checked") },
            Some("submit") => Kind::Button,
            _ => Kind::Plain,
        },
        _ => return None,
    };
    if has(tag, "disabled") {
        return None;
    }
    let value = attribute(tag, "value");
    let value = value.unwrap_or_else(|| if kind == Kind::Plain { "" } else { "on" }.to_owned());
    Some(Field { kind, name: attribute(tag, "name")?, value })
}

/// The value of an attribute, which our pages always put in double quotes.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let marker = format!(" {name}=\"");
    let tag = tag.replace('\n', " ");
    let value = &tag[tag.find(&marker)? + marker.len()..];
    Some(unescape(&value[..value.find('"')?]))
}

/// Whether the tag has an attribute without a value.
fn has(tag: &str, name: &str) -> bool {
    // Every second part lies outside of the quotes.
    tag.split('"').step_by(2).any(|part| part.split_ascii_whitespace().any(|word| word == name))
}

fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        let (before, after) = rest.split_at(start);
        plain.push_str(before);
        let Some(end) = after.find(';') else {
            rest = after;
            break;
        };
        let name = &after[1..end];
        let number = name.strip_prefix('#').and_then(|number| match number.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => number.parse().ok(),
        });
        match (name, number.and_then(char::from_u32)) {
            (_, Some(character)) => plain.push(character),
            ("amp", _) => plain.push('&'),
            ("lt", _) => plain.push('<'),
            ("gt", _) => plain.push('>'),
            ("quot", _) => plain.push('"'),
            ("apos", _) => plain.push('\''),
            _ => plain.push_str(&after[..=end]),
        }
        rest = &after[end + 1..];
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<html><form method="post" action="/oauth/authorize?a=1&amp;b=2">
        <input type="hidden" name="state" value="&quot;x&#39; &#x26;">
        <label><input type="checkbox" name="level" value="triage" checked> Triage</label>
        <input
          type="checkbox" name="level" value="manage">
        <input type="checkbox" name="level" value="base" checked disabled>
        <button name="op" value="approve">Yes</button>
        <button name="op" value="deny">No</button></form></html>"#;

    #[test]
    fn a_form_is_sent_as_a_browser_would() {
        let mut form = Form::find(PAGE).expect("a form");
        assert_eq!(form.action, "/oauth/authorize?a=1&b=2");
        let plain = form.press("approve").expect("a button");
        assert_eq!(plain, "state=%22x%27+%26&level=triage&op=approve");
        form.tick("manage");
        form.tick("not-there");
        let more = form.press("deny").expect("a button");
        assert_eq!(more, "state=%22x%27+%26&level=triage&level=manage&op=deny");
        assert!(form.press("other").is_err());
    }

    #[test]
    fn a_page_without_a_form_has_none() {
        assert_eq!(Form::find("<html><p>no</p></html>"), None);
    }
}
