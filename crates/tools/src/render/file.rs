//! What is in a file of an event: its media type, its size in words, and its text. It downloads
//! nothing.

use std::{borrow::Cow, fmt::Write as _};

use schemars::JsonSchema;
use sentry_client::attachments::{Attachment, Download};
use serde::Serialize;

use super::markdown;
use crate::answer::{Stranger, estimate_in_json};

/// The longest line of a text that is shown whole, in characters.
const LINE: usize = 4_000;
/// The media type of what is not known.
const UNKNOWN: &str = "application/octet-stream";

/// The beginning of a text, or all of it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Text {
    content: Stranger,
    /// How many lines are shown.
    lines: usize,
    lines_in_all: usize,
}

/// What the content is: as the download says, else as the list says, else unknown. The name of
/// an image format that the first bytes contradict is corrected, because clients refuse it.
pub(crate) fn media_type(file: &Attachment, got: &Download) -> String {
    let said = [got.media_type.as_ref(), file.media_type.as_ref()];
    let said = said.into_iter().flatten().map(|kind| essence(kind.expose()));
    let kind = said.filter(|kind| is_media_type(kind)).find(|kind| kind != UNKNOWN);
    match (kind, image(&got.bytes)) {
        (Some(kind), Some(image)) if kind.starts_with("image/") => image.to_owned(),
        (kind, _) => kind.unwrap_or_else(|| UNKNOWN.to_owned()),
    }
}

/// A media type without its parameters, in lower case.
pub(crate) fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether this is a media type (RFC 6838 4.2) and not a stranger's prose.
fn is_media_type(text: &str) -> bool {
    let name = |part: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
        (1..=127).contains(&part.len()) && part.bytes().all(allowed)
    };
    text.split_once('/').is_some_and(|(kind, subtype)| name(kind) && name(subtype))
}

/// The image format that the first bytes name.
fn image(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// How a file is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Shown in the answer.
    Text,
    /// Text for a program: shown in the answer, and a file of its own.
    Data,
    /// A file of its own.
    Binary,
}

impl Kind {
    pub(crate) fn of(media_type: &str) -> Kind {
        match media_type {
            // A picture as text: clients can show the text, and no model takes the picture.
            "image/svg+xml" => Kind::Text,
            kind if kind.starts_with("text/") => Kind::Text,
            "application/json" | "application/xml" | "application/x-ndjson" => Kind::Data,
            kind if kind.ends_with("+json") || kind.ends_with("+xml") => Kind::Data,
            _ => Kind::Binary,
        }
    }
}

/// The content as text in a code block, cut after the line with which `room` tokens are used up.
pub(crate) fn show(out: &mut String, content: &[u8], room: usize) -> Text {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let text = String::from_utf8_lossy(content);
    out.push_str("## Content\n\n");
    if matches!(text, Cow::Owned(_)) {
        out.push_str("The content is not valid UTF-8: bytes that are none are shown as �.\n\n");
    }
    let (mut shown, mut used, mut lines) = (String::new(), 0, 0);
    for line in text.lines() {
        let line = tame(line, LINE.min(room.saturating_mul(2)));
        // It is sent as data too, where it costs more.
        used += estimate_in_json(&line) + 2;
        if used > room && lines > 0 {
            break;
        }
        shown.push_str(&line);
        shown.push('\n');
        lines += 1;
    }
    markdown::code_block(out, "", &shown);
    let all = text.lines().count();
    if lines < all {
        let _ = writeln!(
            out,
            "\nShown are the first {lines} of {all} lines. To see more, raise `maxTokens`."
        );
    }
    out.push('\n');
    Text { content: Stranger::new(shown), lines, lines_in_all: all }
}

/// One line without control characters, cut where it is very long.
fn tame(line: &str, limit: usize) -> String {
    let mut rest = line.trim_end().chars();
    let keep = |c: char| if c.is_control() && c != '\t' { ' ' } else { c };
    let mut kept: String = rest.by_ref().take(limit).map(keep).collect();
    let left_out = rest.count();
    if left_out > 0 {
        let _ = write!(kept, "… (+{left_out} characters)");
    }
    kept
}

/// A size as a person says it, and exactly.
pub(crate) fn bytes(size: usize) -> String {
    let (whole, unit) = match size {
        1 => return "1 byte".to_owned(),
        0..1024 => return format!("{size} bytes"),
        1024..1_048_576 => (1024, "KiB"),
        _ => (1_048_576, "MiB"),
    };
    if size.is_multiple_of(whole) {
        return format!("{} {unit} ({size} bytes)", size / whole);
    }
    let tenths = size.saturating_mul(10) / whole;
    format!("{}.{} {unit} ({size} bytes)", tenths / 10, tenths % 10)
}
