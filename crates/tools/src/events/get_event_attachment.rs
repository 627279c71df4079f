//! `get_event_attachment`: the files of one event, and the content of one of them. It does not
//! unpack archives, and does not symbolicate minidumps.

use std::fmt::Write as _;

use schemars::JsonSchema;
use scopes::{Scope, ScopeSet};
use sentry_client::{
    ErrorKind, EventId, Page, Region, Slug, Untrusted,
    attachments::{Attachment, Download},
};
use serde::{Deserialize, Serialize};
use sha1::{Digest as _, Sha1};

use crate::{
    answer::{Answer, Detail, File, Kept, Priority, Reply, Stranger},
    error::{Error, Result},
    gate::needs,
    params::{MaxTokens, OrganizationSlug, ProjectSlug, RegionUrl, given},
    render::{
        file::{self, Kind, Text, bytes},
        markdown,
    },
    tool::{Context, Effect, Tool, Upstream},
};

/// The most pages of a list that are read; a page has 100 files.
const PAGES: usize = 10;
/// The most ids that a message names.
const NAMED: usize = 20;
/// What an answer says besides the content of a file, in tokens.
const FACTS: usize = 450;

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

/// The files of an event as data, or one of them with its content.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attachments {
    event_id: String,
    project: String,
    files: Vec<Kept<FileFacts>>,
    /// Entries that could not be read and were left out.
    unreadable: usize,
    content: Option<Content>,
    notes: Vec<String>,
}

/// One file of an event.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileFacts {
    id: String,
    name: Stranger,
    #[serde(rename = "type")]
    kind: Option<Stranger>,
    media_type: Option<Stranger>,
    /// In bytes.
    size: Option<u64>,
    created: Option<String>,
    sha1: Option<String>,
}

/// What is in a file; a file that is no text comes with the answer instead.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Content {
    media_type: String,
    /// In bytes.
    size: usize,
    /// Whether it has the SHA-1 that Sentry lists; absent if Sentry lists none.
    verified: Option<bool>,
    url: String,
    text: Option<Text>,
}

impl Tool for GetEventAttachment {
    type Params = Params;
    type Output = Attachments;

    const NAME: &'static str = "get_event_attachment";
    const EFFECT: Effect = Effect::Read;
    const REQUIRES: ScopeSet = needs(Scope::EventRead);
    const UPSTREAM: Upstream = Upstream {
        endpoint: "GET /api/0/projects/{org}/{project}/events/{event}/attachments/",
        accepts: &[needs(Scope::ProjectRead)],
    };

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Reply<Attachments>> {
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
        let (mut answer, data) = match given(params.attachment_id.as_deref()) {
            None => call.listing(&list),
            Some(id) => call.download(call.find(&list, id)?).await?,
        };
        answer.limit(params.max_tokens.map(MaxTokens::get));
        Ok(cx.reply(answer, || data))
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

    fn listing(&self, list: &Page<Attachment>) -> (Answer, Attachments) {
        let mut answer = Answer::default();
        let out = answer.section("files", Priority::Essential);
        let _ = writeln!(out, "# Attachments of event `{}`\n", self.event);
        let _ = writeln!(out, "In project `{}` of `{}`: {}", self.project, self.org, count(list));
        let mut data = self.data(Vec::new());
        data.unreadable = list.skipped;
        for file in &list.items {
            let mut entry = format!("\n## {}\n\n", markdown::code(name(file), 200));
            facts(&mut entry, file);
            let mark = out.detail(Detail::Entry, &entry);
            data.files.push(Kept::new(mark, FileFacts::of(file)));
        }
        if list.items.is_empty() {
            let none =
                "This event has no attachments. Other events of the same issue may have some.";
            let _ = writeln!(out, "\n{none}");
            data.notes.push(none.to_owned());
        } else {
            let next = format!(
                "To get one: `{}` with the same arguments and its ID as `attachmentId`",
                GetEventAttachment::NAME
            );
            let _ = writeln!(out, "\n## Next\n\n{next}");
            data.notes.push(next);
        }
        if let Some(notice) = markdown::left_out(list.skipped, "entry", "entries") {
            let _ = writeln!(out, "\n{notice}");
        }
        if list.next.is_some() {
            data.notes.push("There are more files than are listed.".to_owned());
        }
        (answer, data)
    }

    fn data(&self, files: Vec<Kept<FileFacts>>) -> Attachments {
        Attachments {
            event_id: self.event.to_string(),
            project: self.project.to_string(),
            files,
            unreadable: 0,
            content: None,
            notes: Vec::new(),
        }
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

    async fn download(&self, file: &Attachment) -> Result<(Answer, Attachments)> {
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

    fn content(&self, file: &Attachment, got: Download) -> (Answer, Attachments) {
        let media_type = file::media_type(file, &got);
        let mut answer = Answer::default();
        let section = answer.section("file", Priority::Essential);
        let mut data = self.data(vec![Kept::new(section.mark(), FileFacts::of(file))]);
        let mut out = format!("# Attachment {}\n\n", markdown::code(name(file), 200));
        let _ = writeln!(out, "- Event: `{}`\n- Project: `{}`", self.event, self.project);
        facts(&mut out, file);
        let actual = got.bytes.len();
        if file.size != u64::try_from(actual).ok() {
            let _ = writeln!(out, "- Downloaded: {}", bytes(actual));
        }
        if file.media_type.as_ref().map(|kind| file::essence(kind.expose())).as_deref()
            != Some(media_type.as_str())
        {
            let _ = writeln!(out, "- Treated as: {}", markdown::code(&media_type, 100));
        }
        if sha1_of(file).is_some() {
            out.push_str("- Verified: the content has this SHA-1\n");
        }
        let _ = writeln!(out, "- Download URL (needs the token): {}\n", self.url(file));
        let kind = Kind::of(&media_type);
        let text = (kind != Kind::Binary).then(|| {
            let room = self.budget.saturating_sub(FACTS).max(100);
            file::show(&mut out, &got.bytes, room)
        });
        if kind != Kind::Text {
            let note = "The file comes with this answer.";
            let _ = writeln!(out, "{note}");
            data.notes.push(note.to_owned());
        }
        section.push(&out);
        data.content = Some(Content {
            media_type: media_type.clone(),
            size: actual,
            verified: sha1_of(file).map(|_| true),
            url: self.url(file),
            text,
        });
        if kind != Kind::Text {
            let name = name(file).to_owned();
            answer.attach(File { name, media_type, bytes: got.bytes });
        }
        (answer, data)
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

impl FileFacts {
    fn of(file: &Attachment) -> FileFacts {
        let stranger =
            |text: &Option<Untrusted>| Stranger::some(text.as_ref().map(Untrusted::expose), 100);
        FileFacts {
            id: file.id.clone(),
            name: Stranger::clipped(name(file), 200),
            kind: stranger(&file.kind),
            media_type: stranger(&file.media_type),
            size: file.size,
            created: file.date_created.clone(),
            sha1: sha1_of(file).map(str::to_owned),
        }
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

#[cfg(test)]
#[path = "get_event_attachment_tests.rs"]
mod tests;
