//! `get_event_attachment`: the files of one event, and the content of one of them. It does not
//! unpack archives, and does not symbolicate minidumps.

use std::{borrow::Cow, fmt::Write as _};

use schemars::JsonSchema;
use scopes::{Scope, ScopeSet};
use sentry_client::{
    ErrorKind, EventId, Page, Region, Slug, Untrusted,
    attachments::{Attachment, Download},
};
use serde::Deserialize;
use sha1::{Digest as _, Sha1};

use crate::{
    answer::{Answer, File, estimate},
    error::{Error, Result},
    gate::needs,
    params::{MaxTokens, OrganizationSlug, ProjectSlug, RegionUrl, given},
    render::markdown,
    tool::{Context, Effect, Tool, Upstream},
};

/// The most pages of a list that are read; a page has 100 files.
const PAGES: usize = 10;
/// The most ids that a message names.
const NAMED: usize = 20;
/// What an answer says besides the content of a file, in tokens.
const FACTS: usize = 450;
/// The longest line of a text that is shown whole, in characters.
const LINE: usize = 4_000;
/// The media type of what is not known.
const UNKNOWN: &str = "application/octet-stream";

pub(crate) struct GetEventAttachment;

/// List the files attached to an event (screenshots, logs, minidumps), or get one by
/// `attachmentId`. Finds no events.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    organization_slug: OrganizationSlug,
    project_slug: ProjectSlug,
    /// 32 hex digits.
    event_id: String,
    /// Omit to list.
    attachment_id: Option<String>,
    region_url: Option<RegionUrl>,
    max_tokens: Option<MaxTokens>,
}

impl Tool for GetEventAttachment {
    type Params = Params;

    const NAME: &'static str = "get_event_attachment";
    const EFFECT: Effect = Effect::Read;
    const REQUIRES: ScopeSet = needs(Scope::EventRead);
    const UPSTREAM: Upstream = Upstream {
        endpoint: "GET /api/0/projects/{org}/{project}/events/{event}/attachments/",
        accepts: &[needs(Scope::ProjectRead)],
    };

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Answer> {
        let region = cx.region(params.region_url.as_ref())?;
        let event: EventId =
            params.event_id.parse().map_err(|err| Error::argument("eventId", err))?;
        let call = Call {
            cx,
            org: &params.organization_slug,
            project: &params.project_slug,
            event,
            region: region.as_ref(),
            budget: params.max_tokens.map_or(cx.installation.max_tokens, MaxTokens::get),
        };
        let list = call.list().await?;
        let mut answer = match given(params.attachment_id.as_deref()) {
            None => call.listing(&list),
            Some(id) => call.download(call.find(&list, id)?).await?,
        };
        answer.limit(params.max_tokens.map(MaxTokens::get));
        Ok(answer)
    }
}

/// What every step of a call needs.
struct Call<'a> {
    cx: &'a Context<'a>,
    org: &'a Slug,
    project: &'a Slug,
    event: EventId,
    region: Option<&'a Region>,
    budget: usize,
}

impl Call<'_> {
    /// All files of the event.
    async fn list(&self) -> Result<Page<Attachment>> {
        let Call { org, project, event, region, .. } = self;
        let sentry = self.cx.sentry;
        let mut all = sentry.list_attachments(org, project, event, None, *region).await?;
        for _ in 1..PAGES {
            let Some(cursor) = all.next.take() else { break };
            let page = sentry.list_attachments(org, project, event, Some(&cursor), *region).await?;
            all.items.extend(page.items);
            all.skipped += page.skipped;
            all.next = page.next;
        }
        Ok(all)
    }

    fn listing(&self, list: &Page<Attachment>) -> Answer {
        let mut out = format!("# Attachments of event `{}`\n\n", self.event);
        let _ = writeln!(out, "In project `{}` of `{}`: {}", self.project, self.org, count(list));
        for file in &list.items {
            let _ = writeln!(out, "\n## {}\n", markdown::code(name(file), 200));
            facts(&mut out, file);
        }
        if list.items.is_empty() {
            out.push_str(
                "\nThis event has no attachments. Other events of the same issue may have some.\n",
            );
        } else {
            let _ = writeln!(
                out,
                "\n## Next\n\nTo get one: `{}` with the same arguments and its ID as `attachmentId`",
                GetEventAttachment::NAME
            );
        }
        if let Some(notice) = markdown::left_out(list.skipped, "entry", "entries") {
            let _ = writeln!(out, "\n{notice}");
        }
        Answer::new(out)
    }

    /// The file with this id, if it belongs to the event.
    fn find<'b>(&self, list: &'b Page<Attachment>, id: &str) -> Result<&'b Attachment> {
        if let Some(file) = list.items.iter().find(|file| file.id == id) {
            return Ok(file);
        }
        let ids: Vec<String> =
            list.items.iter().take(NAMED).map(|file| markdown::code(&file.id, 40)).collect();
        let more = list.items.len().saturating_sub(NAMED);
        Err(Error::input(format!(
            "attachment not found: {} is no attachment of the event `{}`{}",
            markdown::code(id, 60),
            self.event,
            match (ids.as_slice(), more) {
                ([], _) => ", which has none".to_owned(),
                (ids, 0) => format!("; it has {}", ids.join(", ")),
                (ids, more) => format!("; it has {} and {more} more", ids.join(", ")),
            }
        )))
    }

    async fn download(&self, file: &Attachment) -> Result<Answer> {
        let limit = self.cx.installation.max_attachment;
        let declared = file.size.and_then(|size| usize::try_from(size).ok());
        if let Some(size) = declared.filter(|size| *size > limit) {
            return Err(Error::input(self.too_large(file, &bytes(size), limit)));
        }
        let Call { org, project, event, region, .. } = self;
        let sentry = self.cx.sentry;
        let got = sentry.download_attachment(org, project, event, &file.id, limit, *region).await;
        let got = match got {
            Ok(got) => got,
            Err(err) if matches!(err.kind(), ErrorKind::TooLarge { .. }) => {
                let size = declared.map_or("more than that".to_owned(), |size| {
                    format!("more than that, although Sentry lists {}", bytes(size))
                });
                return Err(Error::explained(self.too_large(file, &size, limit), err));
            }
            Err(err) => return Err(err.into()),
        };
        if got.bytes.is_empty() {
            return Err(Error::input(format!(
                "Sentry sent no content for the attachment {}: it may still be stored, or was \
                 deleted. Next: try again in a minute, or ask for another attachment.",
                markdown::code(&file.id, 40)
            )));
        }
        self.verified(file, &got)?;
        Ok(self.content(file, got))
    }

    fn too_large(&self, file: &Attachment, size: &str, limit: usize) -> String {
        format!(
            "the attachment {} ({}) is too large: it has {size}, and this server downloads at most \
             {}. Next: the user gets it from {}, or raises the server's setting `max_attachment`.",
            markdown::code(&file.id, 40),
            markdown::code(name(file), 200),
            bytes(limit),
            self.url(file)
        )
    }

    /// Whether the content is what Sentry stored.
    fn verified(&self, file: &Attachment, got: &Download) -> Result<()> {
        let Some(expected) = sha1_of(file) else { return Ok(()) };
        let actual = Sha1::digest(&got.bytes).iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        if actual.eq_ignore_ascii_case(expected) {
            return Ok(());
        }
        Err(Error::input(format!(
            "the content of the attachment {} is damaged: Sentry lists the SHA-1 `{expected}`, and \
             what arrived ({}) has `{actual}`. Next: try again; if it stays so, the file is damaged \
             in Sentry: {}",
            markdown::code(&file.id, 40),
            bytes(got.bytes.len()),
            self.url(file)
        )))
    }

    fn content(&self, file: &Attachment, got: Download) -> Answer {
        let media_type = media_type(file, &got);
        let mut out = format!("# Attachment {}\n\n", markdown::code(name(file), 200));
        let _ = writeln!(out, "- Event: `{}`\n- Project: `{}`", self.event, self.project);
        facts(&mut out, file);
        let actual = got.bytes.len();
        if file.size != u64::try_from(actual).ok() {
            let _ = writeln!(out, "- Downloaded: {}", bytes(actual));
        }
        if file.media_type.as_ref().map(|kind| essence(kind.expose())).as_deref()
            != Some(media_type.as_str())
        {
            let _ = writeln!(out, "- Treated as: {}", markdown::code(&media_type, 100));
        }
        if sha1_of(file).is_some() {
            out.push_str("- Verified: the content has this SHA-1\n");
        }
        let _ = writeln!(out, "- Download URL (needs the token): {}\n", self.url(file));
        let text = is_text(&media_type);
        if text != Kind::Binary {
            let room = self.budget.saturating_sub(FACTS).max(100);
            show(&mut out, &got.bytes, room);
        }
        if text == Kind::Text {
            return Answer::new(out);
        }
        out.push_str("The file comes with this answer.\n");
        let mut answer = Answer::new(out);
        let name = name(file).to_owned();
        answer.attach(File { name, media_type, bytes: got.bytes });
        answer
    }

    /// Where a person with a token gets the file.
    fn url(&self, file: &Attachment) -> String {
        let site = self.cx.sentry.site();
        format!(
            "{}/api/0/projects/{}/{}/events/{}/attachments/{}/?download=1",
            self.region.unwrap_or(site.own()),
            self.org,
            self.project,
            self.event,
            markdown::line(&file.id, 40)
        )
    }
}

fn count(list: &Page<Attachment>) -> String {
    let more = if list.next.is_some() { ", and there are more" } else { "" };
    match list.items.len() {
        0 => "none".to_owned(),
        1 => format!("1 file{more}"),
        count => format!("{count} files{more}"),
    }
}

fn facts(out: &mut String, file: &Attachment) {
    let _ = writeln!(out, "- ID: {}", markdown::code(&file.id, 40));
    for (label, text) in [("Type", &file.kind), ("Media type", &file.media_type)] {
        if let Some(text) = text.as_ref().filter(|text| !text.is_blank()) {
            let _ = writeln!(out, "- {label}: {}", markdown::code(text.expose(), 100));
        }
    }
    if let Some(size) = file.size {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let _ = writeln!(out, "- Size: {}", bytes(size));
    }
    if let Some(time) = &file.date_created {
        let _ = writeln!(out, "- Created: {}", markdown::line(time, 40));
    }
    if let Some(sha1) = sha1_of(file) {
        let _ = writeln!(out, "- SHA-1: `{sha1}`");
    }
}

fn name(file: &Attachment) -> &str {
    let name = file.name.as_ref().filter(|name| !name.is_blank());
    name.map_or("unnamed", Untrusted::expose)
}

/// The hash, if it can be one.
fn sha1_of(file: &Attachment) -> Option<&str> {
    let text = file.sha1.as_deref()?.trim();
    (text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())).then_some(text)
}

/// What the content is: as the download says, else as the list says, else unknown. The name of
/// an image format that the first bytes contradict is corrected, because clients refuse it.
fn media_type(file: &Attachment, got: &Download) -> String {
    let said = [got.media_type.as_ref(), file.media_type.as_ref()];
    let said = said.into_iter().flatten().map(|kind| essence(kind.expose()));
    let kind = said.filter(|kind| is_media_type(kind)).find(|kind| kind != UNKNOWN);
    match (kind, image(&got.bytes)) {
        (Some(kind), Some(image)) if kind.starts_with("image/") => image.to_owned(),
        (kind, _) => kind.unwrap_or_else(|| UNKNOWN.to_owned()),
    }
}

/// A media type without its parameters, in lower case.
fn essence(media_type: &str) -> String {
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Shown in the answer.
    Text,
    /// Text for a program: shown in the answer, and a file of its own.
    Data,
    /// A file of its own.
    Binary,
}

fn is_text(media_type: &str) -> Kind {
    match media_type {
        // A picture as text: clients can show the text, and no model takes the picture.
        "image/svg+xml" => Kind::Text,
        kind if kind.starts_with("text/") => Kind::Text,
        "application/json" | "application/xml" | "application/x-ndjson" => Kind::Data,
        kind if kind.ends_with("+json") || kind.ends_with("+xml") => Kind::Data,
        _ => Kind::Binary,
    }
}

/// The content as text in a code block, cut after the line with which `room` tokens are used up.
fn show(out: &mut String, content: &[u8], room: usize) {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let text = String::from_utf8_lossy(content);
    out.push_str("## Content\n\n");
    if matches!(text, Cow::Owned(_)) {
        out.push_str("The content is not valid UTF-8: bytes that are none are shown as �.\n\n");
    }
    let (mut shown, mut used, mut lines) = (String::new(), 0, 0);
    for line in text.lines() {
        let line = tame(line, LINE.min(room.saturating_mul(2)));
        used += estimate(&line) + 1;
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
fn bytes(size: usize) -> String {
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

#[cfg(test)]
#[path = "get_event_attachment_tests.rs"]
mod tests;
