//! `get_trace_details`: a trace as a whole, or one of its spans. It shows the part of a large
//! trace that is worth reading, and searches nothing.

use std::fmt::Write as _;

use futures::future;
use schemars::JsonSchema;
use scopes::{Scope, ScopeSet};
use sentry_client::{
    ErrorKind, IssueId, Region, Slug,
    traces::{SpanId, Trace, TraceBody, TraceId, TraceTotals},
};
use serde::Deserialize;

use crate::{
    answer::{Answer, Kept, Priority, Reply, Section, Stranger},
    error::{Error, Result},
    events::search_events::SearchEvents,
    gate::needs,
    issues::get_issue_details::GetIssueDetails,
    params::{MaxTokens, OrganizationSlug, RegionUrl, given},
    render::{
        markdown,
        span::{
            Branch,
            data::{Conversation, SpanDetails, Totals, Traced},
            focus, label, operations,
            outline::Outline,
            problems,
            tree::{Limits, Tree},
            tree_block,
        },
    },
    tool::{Context, Effect, Tool, Upstream},
};

/// The fewest and the most spans that an overview is made of.
const OVERVIEW: (u64, u64) = (50, 1_000);
/// The most spans among which one is looked for.
const FOCUSED: u64 = 10_000;
/// The spans of an overview.
const SHOWN: Limits = Limits { spans: 96, roots: 12 };
/// What the facts above the tree and the notice at the end may cost, in tokens. Of the rest of
/// the budget the tree may take three quarters.
const HEAD: usize = 250;
/// AI conversations that are named.
const CONVERSATIONS: usize = 3;
const CONVERSATION: &str = "gen_ai.conversation.id";

pub(crate) struct GetTraceDetails;

/// Show a trace: its totals, slowest operations, errors, and the tree of its slow and failing spans.
///
/// Use it to find what made a request slow or fail. It does not search for traces.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    organization_slug: OrganizationSlug,
    /// 32 hex digits.
    trace_id: String,
    /// 16 hex digits: all about this span, its ancestors and children.
    span_id: Option<String>,
    max_tokens: Option<MaxTokens>,
    region_url: Option<RegionUrl>,
}

impl Tool for GetTraceDetails {
    type Params = Params;
    type Output = Traced;

    const NAME: &'static str = "get_trace_details";
    const EFFECT: Effect = Effect::Read;
    const REQUIRES: ScopeSet = needs(Scope::EventRead);
    const UPSTREAM: Upstream = Upstream {
        endpoint: "GET /api/0/organizations/{org}/trace/{id}/",
        accepts: &[needs(Scope::OrgRead)],
    };

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Reply<Traced>> {
        let region = cx.region(params.region_url.as_ref())?;
        let id = trace_id(cx, &params.trace_id)?;
        let span = given(params.span_id.as_deref()).map(|text| span_id(cx, text)).transpose()?;
        let org = &*params.organization_slug;
        let call = Call { cx, org, id: &id, region: region.as_ref() };
        let (totals, fetched) = call.fetch(span.is_some()).await?;
        let trace = fetched.body.read()?;
        let seen = Seen { trace: &trace, totals, shortened: fetched.shortened };
        let budget = params.max_tokens.map(MaxTokens::get);
        let (mut answer, data) = match &span {
            Some(span) => call.focused(&seen, span)?,
            None => call.overview(&seen, budget.unwrap_or(cx.installation.max_tokens))?,
        };
        answer.limit(budget);
        Ok(cx.reply(answer, || data))
    }
}

fn trace_id(cx: &Context<'_>, text: &str) -> Result<TraceId> {
    text.parse().map_err(|err| {
        if text.parse::<SpanId>().is_ok() {
            let problem = format!(
                "`{}` is a span id: pass the 32 hexadecimal digits of its trace here, and the span \
                 as `spanId`",
                text.trim()
            );
            return Error::argument("traceId", problem);
        }
        match id_in(text) {
            Some(id) => Error::argument("traceId", format!("pass the id alone: `{id}`")),
            None => issue_instead(cx, "traceId", text)
                .unwrap_or_else(|| Error::argument("traceId", err)),
        }
    })
}

fn span_id(cx: &Context<'_>, text: &str) -> Result<SpanId> {
    text.parse().map_err(|err| {
        issue_instead(cx, "spanId", text).unwrap_or_else(|| Error::argument("spanId", err))
    })
}

/// A trace id inside of something longer, such as a link.
fn id_in(text: &str) -> Option<TraceId> {
    let pieces = text.split(|c: char| !c.is_ascii_hexdigit());
    pieces.filter(|piece| piece.len() == 32).find_map(|piece| piece.parse().ok())
}

/// What to say when an issue was named where a trace or a span belongs.
fn issue_instead(cx: &Context<'_>, argument: &str, text: &str) -> Option<Error> {
    let issue: IssueId = text.parse().ok()?;
    let tool = match cx.offers::<GetIssueDetails>() {
        Some(tool) => format!(": `{tool}` shows it, and the trace that it happened in"),
        None => String::new(),
    };
    Some(Error::argument(argument, format!("`{issue}` is an issue id{tool}")))
}

/// What every step of a call needs.
struct Call<'a> {
    cx: &'a Context<'a>,
    org: &'a Slug,
    id: &'a TraceId,
    region: Option<&'a Region>,
}

struct Fetched {
    body: TraceBody,
    /// How many spans were asked for in the end, where the first answer was too large.
    shortened: Option<u64>,
}

/// What is known about a trace.
struct Seen<'t, 'a> {
    trace: &'t Trace<'a>,
    totals: Option<TraceTotals>,
    shortened: Option<u64>,
}

impl Seen<'_, '_> {
    /// How many spans there are beyond those that were read, and how many that makes.
    fn partly(&self) -> Option<(usize, u64)> {
        let read = self.trace.spans.len();
        let all = self.totals?.spans;
        (u64::try_from(read).unwrap_or(u64::MAX) < all).then_some((read, all))
    }
}

impl Call<'_> {
    async fn fetch(&self, focused: bool) -> Result<(Option<TraceTotals>, Fetched)> {
        if focused {
            let (totals, fetched) = future::join(self.totals(), self.spans(FOCUSED)).await;
            return Ok((totals?, fetched?));
        }
        let totals = self.totals().await?;
        let limit = totals.map_or(OVERVIEW.1, |totals| {
            totals.spans.saturating_add(totals.errors).clamp(OVERVIEW.0, OVERVIEW.1)
        });
        Ok((totals, self.spans(limit).await?))
    }

    /// Only a help: where Sentry refuses it or has none, the spans speak for themselves.
    async fn totals(&self) -> Result<Option<TraceTotals>> {
        let found = self.cx.sentry.get_trace_totals(self.org, self.id, self.region).await;
        match found {
            Ok(totals) => Ok(Some(totals)),
            Err(err) => match err.kind() {
                ErrorKind::Forbidden { .. }
                | ErrorKind::NotFound { .. }
                | ErrorKind::Validation { .. }
                | ErrorKind::Status { .. }
                | ErrorKind::Unavailable { .. }
                | ErrorKind::TooLarge { .. }
                | ErrorKind::Decode { .. }
                | ErrorKind::NotJson { .. } => Ok(None),
                _ => Err(err.into()),
            },
        }
    }

    async fn spans(&self, most: u64) -> Result<Fetched> {
        let (mut limit, mut shortened) = (most, None);
        let mut attributes = label::ATTRIBUTES;
        loop {
            let sentry = self.cx.sentry;
            let err =
                match sentry.get_trace(self.org, self.id, limit, attributes, self.region).await {
                    Ok(body) => return Ok(Fetched { body, shortened }),
                    Err(err) => err,
                };
            match err.kind() {
                // Not every Sentry knows all of them, and the labels do without.
                ErrorKind::Validation { .. } if !attributes.is_empty() => attributes = &[],
                ErrorKind::TooLarge { .. } if shortened.is_none() => {
                    limit = (limit / 4).max(OVERVIEW.0);
                    shortened = Some(limit);
                }
                ErrorKind::NotFound { .. } => return Err(self.not_found(err)),
                _ => return Err(err.into()),
            }
        }
    }

    fn not_found(&self, err: sentry_client::Error) -> Error {
        let text = format!(
            "Sentry found no trace `{}` in `{}`: it belongs to another organization, is older than \
             Sentry keeps traces, or this Sentry is too old to show traces. Next: check the id and \
             the organization; a trace is found in the organization of the project that sent it.",
            self.id, self.org
        );
        Error::explained(text, err)
    }

    fn url(&self) -> String {
        self.cx.sentry.site().web_url(self.org, &format!("/explore/traces/trace/{}/", self.id))
    }

    fn data(&self, seen: &Seen<'_, '_>, url: String) -> Traced {
        Traced {
            trace_id: self.id.to_string(),
            url,
            totals: seen.totals.map(|totals| Totals {
                spans: totals.spans,
                errors: totals.errors,
                performance_issues: totals.performance_issues,
                logs: totals.logs,
            }),
            spans_read: seen.trace.spans.len(),
            ..Traced::default()
        }
    }

    fn overview(&self, seen: &Seen<'_, '_>, budget: usize) -> Result<(Answer, Traced)> {
        let fence = self.cx.sentry.fence();
        let outline = Outline::new(seen.trace, fence);
        let is_empty = seen.trace.spans.is_empty() && seen.trace.problems.is_empty();
        if !is_empty && !outline.has_own(fence) {
            self.cx.admit_project(&format!("the trace `{}`", self.id), None)?;
        }
        let mut data = self.data(seen, self.url());
        let mut answer = Answer::default();
        let facts = answer.section("overview", Priority::Essential);
        let _ = writeln!(facts, "# Trace `{}` in `{}`\n", self.id, self.org);
        self.totals_of(facts, seen);
        data.notes = notes(seen, &outline);
        if is_empty {
            data.notes.push(
                "No spans: none was sent or sampled, they are older than 14 days, or the trace \
                 belongs to another organization."
                    .to_owned(),
            );
        }
        write_notes(facts, &data.notes);
        let operations = operations::operations(&outline);
        if !operations.is_empty() {
            let section = answer.section("operations", Priority::Normal);
            data.operations = Some(operations::write(section, &operations));
        }
        if !seen.trace.spans.is_empty() {
            let room = budget.saturating_sub(HEAD) / 4 * 3;
            let cost = |branch: &Branch| branch.cost(self.cx.wants_data());
            let (tree, lines) = Tree::within(&outline, SHOWN, "trace", room, cost);
            let section = answer.section("tree", Priority::High);
            let _ = writeln!(section, "\n## Spans\n");
            let told = tree_block(section, lines);
            data.tree = Some(Kept::new(section.mark(), told));
            let all = seen.trace.spans.len();
            let note = format!("{} of {all} spans are shown.", tree.count());
            let _ = writeln!(section, "\n{note}");
            data.notes.push(note);
        }
        let section = answer.section("errors", Priority::High);
        let found = problems::write(section, seen.trace, fence, None);
        (data.problems, data.problems_in_all) = (found.told, found.in_all);
        data.conversations = self.conversations(&mut answer, &outline);
        let has_spans = !seen.trace.spans.is_empty();
        let section = answer.section("next", Priority::Normal);
        data.next = Some(self.next(section, found.has_issue, has_spans));
        Ok((answer, data))
    }

    fn totals_of(&self, out: &mut Section, seen: &Seen<'_, '_>) {
        if let Some(TraceTotals { spans, errors, performance_issues, logs }) = seen.totals {
            let _ = writeln!(
                out,
                "- Spans: {spans}\n- Errors: {errors}\n- Performance issues: {performance_issues}\n\
                 - Logs: {logs}"
            );
        } else {
            let (spans, problems) = (seen.trace.spans.len(), seen.trace.problems.len());
            let _ = writeln!(
                out,
                "- Spans: {spans} read, {problems} problems (Sentry did not give its totals)"
            );
        }
        let _ = writeln!(out, "- URL: {}", self.url());
    }

    fn conversations(
        &self,
        answer: &mut Answer,
        outline: &Outline<'_, '_>,
    ) -> Option<Kept<Vec<Conversation>>> {
        let mut found: Vec<String> = Vec::new();
        for (index, span) in outline.trace.spans.iter().enumerate() {
            if found.len() == CONVERSATIONS {
                break;
            }
            if !outline.is_own(index) || !span.may_have(CONVERSATION) {
                continue;
            }
            let id = span.attributes().get(CONVERSATION);
            let id = id.map(|id| markdown::line(id.expose(), 100)).unwrap_or_default();
            if !id.is_empty() && !found.contains(&id) {
                found.push(id);
            }
        }
        if found.is_empty() {
            return None;
        }
        let section = answer.section("conversations", Priority::Normal);
        let _ = writeln!(section, "\n## AI conversations\n");
        let mut told = Vec::new();
        for id in found {
            let _ = write!(section, "- {}", markdown::code(&id, 100));
            // An odd id stays text: nothing that a sender wrote becomes part of a link.
            let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
            let path = format!("/explore/conversations/{id}/");
            let url = self.cx.sentry.site().web_url(self.org, &path);
            let url = id.bytes().all(is_plain).then_some(url);
            if let Some(url) = &url {
                let _ = write!(section, ": {url}");
            }
            section.push("\n");
            told.push(Conversation { id: Stranger::new(id), url });
        }
        Some(Kept::new(section.mark(), told))
    }

    fn next(&self, out: &mut Section, has_issue: bool, has_spans: bool) -> Kept<Vec<String>> {
        let mut next = Vec::new();
        if has_spans {
            let name = GetTraceDetails::NAME;
            next.push(format!("All about one span: `{name}` again, with its id as `spanId`"));
        }
        if let Some(tool) = self.cx.offers::<SearchEvents>() {
            next.push(format!(
                "Its spans, errors and logs in full: `{tool}` with the query `trace:{}`",
                self.id
            ));
        }
        if let Some(tool) = self.cx.offers::<GetIssueDetails>().filter(|_| has_issue) {
            next.push(format!("The stack of an error: `{tool}` with its issue id"));
        }
        let _ = writeln!(out, "\n## Next\n");
        for step in &next {
            let _ = writeln!(out, "- {step}");
        }
        Kept::new(out.mark(), next)
    }

    fn focused(&self, seen: &Seen<'_, '_>, id: &SpanId) -> Result<(Answer, Traced)> {
        let mut found = seen.trace.spans.iter().enumerate().filter(|(_, span)| span.has_id(id));
        let Some((index, span)) = found.next() else { return Err(self.no_span(seen, id)) };
        let twins = found.count();
        self.cx.admit_project(&format!("the span `{id}`"), span.project_slug())?;
        let fence = self.cx.sentry.fence();
        let outline = Outline::new(seen.trace, fence);
        let url = format!("{}?node=span-{id}", self.url());
        let mut data = self.data(seen, url);
        data.span = SpanDetails::of(&outline, index);
        let mut answer = Answer::default();
        let section = answer.section("span", Priority::Essential);
        let _ = writeln!(section, "# Span `{id}` in `{}`\n\n- Trace: `{}`", self.org, self.id);
        focus::facts(section, &outline, index, span);
        if let Some(totals) = seen.totals {
            let _ = writeln!(section, "- Spans of the trace: {}", totals.spans);
        }
        let _ = writeln!(section, "- URL: {}", data.url);
        if twins > 0 {
            data.notes.push(format!("{twins} more with this id; the first is shown."));
        }
        data.notes.extend(notes(seen, &outline));
        write_notes(section, &data.notes);
        focus::around(&mut answer, &outline, index, &mut data);
        let section = answer.section("errors", Priority::High);
        let found = problems::write(section, seen.trace, fence, Some(index));
        (data.problems, data.problems_in_all) = (found.told, found.in_all);
        data.attributes = focus::parts(&mut answer, span);
        let section = answer.section("next", Priority::Normal);
        data.next = Some(self.next(section, found.has_issue, true));
        Ok((answer, data))
    }

    fn no_span(&self, seen: &Seen<'_, '_>, id: &SpanId) -> Error {
        let read = match seen.partly() {
            Some((read, all)) => {
                format!(", among the {read} of its {all} spans that could be read")
            }
            None => String::new(),
        };
        let name = GetTraceDetails::NAME;
        Error::argument(
            "spanId",
            format!(
                "the trace `{}` has no span `{id}`{read}. Next: check the id, or call `{name}` without \
                 `spanId` to see the trace's spans with their ids",
                self.id
            ),
        )
    }
}

/// What a reader must know about the spans below.
fn notes(seen: &Seen<'_, '_>, outline: &Outline<'_, '_>) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some((read, all)) = seen.partly() {
        notes
            .push(format!("Only {read} of {all} spans were read, and what follows is from these."));
    }
    if let Some(limit) = seen.shortened {
        notes.push(format!(
            "All at once were too large for one answer of Sentry, so it was asked for {limit}."
        ));
    }
    if let Some(notice) = markdown::left_out(seen.trace.skipped, "node", "nodes") {
        notes.push(notice);
    }
    let others = (0..seen.trace.spans.len()).filter(|span| !outline.is_own(*span)).count();
    if others > 0 {
        notes.push(format!(
            "{others} spans belong to projects outside of this session's: only their operation, \
             duration and id are shown."
        ));
    }
    notes
}

fn write_notes(out: &mut Section, notes: &[String]) {
    for note in notes {
        let _ = writeln!(out, "\n{note}");
    }
}

#[cfg(test)]
#[path = "get_trace_details_tests.rs"]
mod tests;
