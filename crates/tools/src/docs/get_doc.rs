//! `get_doc`: one page of the documentation as Markdown. No other host can be read with it.

use std::fmt::Write as _;

use schemars::JsonSchema;
use scopes::ScopeSet;
use sentry_client::docs::{DocsPage, DocsService};
use serde::{Deserialize, Serialize};

use crate::{
    answer::{self, Answer, Reply},
    docs::{search_docs::SearchDocs, service, unreachable, with_host},
    error::{Error, Result},
    gate::Feature,
    installation::Installation,
    render::markdown,
    tool::{Context, Effect, Tool, Upstream},
};

/// What is said around a page costs this many tokens at most.
const AROUND: usize = 150;
/// The fewest characters of a page in one answer, whatever the budget.
const LEAST: usize = 500;
/// How far back from its place a cut looks for the end of a line.
const SLACK: usize = 2_000;

pub(crate) struct GetDoc;

/// Read a page of Sentry's documentation as Markdown, by a path from `search_docs`; only {host}.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    /// E.g. `/platforms/python.md`.
    path: String,
    /// Where a long page goes on.
    offset: Option<i64>,
}

/// A part of a page, as data.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Part {
    path: String,
    /// Markdown; absent if there is no such page.
    text: Option<String>,
    /// Where the text begins, in characters.
    offset: usize,
    /// How many characters the page has.
    total: usize,
    /// Pass it as `offset` for the rest.
    next_offset: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl Tool for GetDoc {
    type Params = Params;
    type Output = Part;

    const NAME: &'static str = "get_doc";
    const EFFECT: Effect = Effect::Read;
    const REQUIRES: ScopeSet = ScopeSet::EMPTY;
    const UPSTREAM: Upstream = Upstream::ANY;
    const NEEDS: Option<Feature> = Some(Feature::Docs);

    fn describe(text: String, installation: &Installation) -> String {
        with_host(&text, installation.docs.as_ref().map(DocsService::pages_host))
    }

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Reply<Part>> {
        let docs = service(cx)?;
        let page = docs.page(&params.path).map_err(|err| Error::argument("path", err))?;
        let offset = usize::try_from(params.offset.unwrap_or(0))
            .map_err(|_| Error::argument("offset", "must be 0 or more"))?;
        let found = cx.sentry.get_doc(&page).await;
        match found.map_err(|err| unreachable(page.host(), err))? {
            DocsPage::Markdown(text) => part(cx, page.path(), &text, offset),
            DocsPage::NotFound => Ok(nothing(cx, page.path(), not_found(cx, page.path()))),
            DocsPage::Html => Ok(nothing(cx, page.path(), html(cx, page.path()))),
        }
    }
}

/// One answer's worth of a page, which ends at the end of a line where there is one near.
fn part(cx: &Context<'_>, path: &str, text: &str, offset: usize) -> Result<Reply<Part>> {
    let total = text.chars().count();
    let rest = match text.char_indices().nth(offset) {
        Some((start, _)) => text.get(start..).unwrap_or_default(),
        None if offset == 0 => "",
        None => {
            let problem = format!("is beyond the end: the page has {total} characters");
            return Err(Error::argument("offset", problem));
        }
    };
    let shown = cut(rest, cx.installation.max_tokens.saturating_sub(AROUND));
    let end = offset + shown.chars().count();
    let mut out = format!("# Documentation page {}\n\n", markdown::code(path, 300));
    if text.trim().is_empty() {
        out.push_str("The page is empty.");
        return Ok(nothing(cx, path, out));
    }
    if offset > 0 || end < total {
        let _ = writeln!(out, "Characters {} to {end} of {total}.\n", offset + 1);
    }
    // Fenced, so that it is clear where the page ends and this answer goes on.
    markdown::code_block(&mut out, "markdown", shown);
    if end < total {
        let _ = write!(out, "\nThe page goes on: call again with `offset`: {end}");
    } else {
        out.push_str("\nLinks in it are relative to its host.");
    }
    Ok(cx.reply(Answer::new(out), || Part {
        path: path.to_owned(),
        text: Some(shown.to_owned()),
        offset,
        total,
        next_offset: (end < total).then_some(end),
        note: None,
    }))
}

/// An answer without a page.
fn nothing(cx: &Context<'_>, path: &str, said: String) -> Reply<Part> {
    let path = path.to_owned();
    let note = Some(said.clone());
    cx.reply(Answer::new(said), || Part {
        path,
        text: None,
        offset: 0,
        total: 0,
        next_offset: None,
        note,
    })
}

/// As much of the beginning as fits the budget.
fn cut(text: &str, budget: usize) -> &str {
    // The page is sent as data too, where it costs more.
    if answer::estimate_in_json(text) <= budget {
        return text;
    }
    // Each round takes off what is too much for its average, so few are needed.
    let mut length = text.chars().count();
    let mut head = text;
    while answer::estimate_in_json(head) > budget && length > LEAST {
        let cost = answer::estimate_in_json(head).max(1);
        length = (length * budget / cost).min(length * 99 / 100).max(LEAST);
        head = head.char_indices().nth(length).map_or(head, |(end, _)| head.split_at(end).0);
    }
    match head.rfind('\n') {
        Some(line) if head.len() - line <= SLACK => head.get(..=line).unwrap_or(head),
        _ => head,
    }
}

fn not_found(cx: &Context<'_>, path: &str) -> String {
    let path = markdown::code(path, 300);
    let mut out =
        format!("# No documentation page {path}\n\nThe page does not exist, or it has moved.\n\n");
    if let Some(search) = cx.offers::<SearchDocs>() {
        let _ = writeln!(out, "- Find its path with `{search}`, and copy the path exactly.");
    }
    out.push_str(
        "- The path begins at the host, as in `/platforms/python.md`, without a guide's name in \
         front.\n- A page of the website becomes Markdown by `.md` in place of the last slash.",
    );
    out
}

fn html(cx: &Context<'_>, path: &str) -> String {
    let mut out = format!(
        "# No Markdown at {}\n\nA web page came back instead of Markdown, so it is not shown. The \
         path is probably that of a website page, or a proxy answers for the host.",
        markdown::code(path, 300)
    );
    if let Some(search) = cx.offers::<SearchDocs>() {
        let _ = write!(out, " Next: find the path of the `.md` page with `{search}`.");
    }
    out
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::{Value, json};
    use test_support::FakeSentry;
    use wiremock::{
        Mock, ResponseTemplate,
        matchers::{method, path},
    };

    use super::GetDoc;
    use crate::{answer::DEFAULT_BUDGET, installation::Installation, testing::call, tool::DynTool};

    async fn page(at: &str, text: &str) -> FakeSentry {
        let answer = ResponseTemplate::new(200).set_body_string(text);
        let page = Mock::given(method("GET")).and(path(at)).respond_with(answer);
        FakeSentry::start().await.mount(page).await
    }

    #[tokio::test]
    async fn gives_the_page_in_a_block_that_it_cannot_close() {
        let sentry = page("/a/b.md", "# Title\n\n```js\nSentry.init();\n```\n").await;
        let out = call(&sentry, "get_doc", json!({ "path": "a/b.md#install" })).await;
        assert_snapshot!(out, @r"
        # Documentation page `/a/b.md`

        ````markdown
        # Title

        ```js
        Sentry.init();
        ```
        ````

        Links in it are relative to its host.
        ");
    }

    #[tokio::test]
    async fn a_long_page_comes_in_parts_that_lose_nothing() {
        let numbers: Vec<_> = (0..9_000).map(|n| n.to_string()).collect();
        let text = numbers.join(" é line\n") + "\n";
        let sentry = page("/long.md", &text).await;
        let (mut whole, mut offset) = (String::new(), json!(null));
        for _ in 0..20 {
            let args = json!({ "path": "/long.md", "offset": offset });
            let out = call(&sentry, "get_doc", args).await;
            let (_, rest) = out.split_once("```markdown\n").unwrap();
            let (part, end) = rest.split_once("```\n").unwrap();
            assert!(crate::answer::estimate(part) <= DEFAULT_BUDGET);
            whole.push_str(part);
            match end.split_once("`offset`: ") {
                Some((_, next)) => offset = json!(next),
                None => break,
            }
        }
        assert!(whole == text);
    }

    #[tokio::test]
    async fn a_long_line_is_cut_where_it_must_and_an_offset_has_bounds() {
        let sentry = page("/line.md", &"x".repeat(100_000)).await;
        let out = call(&sentry, "get_doc", json!({ "path": "line.md" })).await;
        assert!(out.contains("Characters 1 to "), "{out}");
        assert!(out.contains(" of 100000.\n"), "{out}");
        let out = call(&sentry, "get_doc", json!({ "path": "line.md", "offset": 99_999 })).await;
        assert!(out.contains("```markdown\nx\n```"), "{out}");
        let out = call(&sentry, "get_doc", json!({ "path": "line.md", "offset": 100_000 })).await;
        assert!(out.contains("`offset`: is beyond the end: the page has 100000"), "{out}");
        let out = call(&sentry, "get_doc", json!({ "path": "line.md", "offset": -1 })).await;
        assert!(out.contains("`offset`: must be 0 or more"), "{out}");
    }

    #[tokio::test]
    async fn a_missing_page_is_an_answer_with_tips() {
        let sentry = FakeSentry::start().await;
        let out = call(&sentry, "get_doc", json!({ "path": "/missing.md" })).await;
        assert_snapshot!(out, @r"
        # No documentation page `/missing.md`

        The page does not exist, or it has moved.

        - Find its path with `search_docs`, and copy the path exactly.
        - The path begins at the host, as in `/platforms/python.md`, without a guide's name in front.
        - A page of the website becomes Markdown by `.md` in place of the last slash.
        ");
    }

    #[tokio::test]
    async fn a_web_page_is_not_passed_off_as_markdown() {
        let sentry = page("/web.md", "<!doctype html><p>Log in").await;
        let out = call(&sentry, "get_doc", json!({ "path": "/web.md" })).await;
        assert!(out.starts_with("# No Markdown at `/web.md`"), "{out}");
        assert!(!out.contains("Log in") && out.contains("`search_docs`"), "{out}");
    }

    #[tokio::test]
    async fn no_other_host_is_asked() {
        let sentry = FakeSentry::start().await;
        let table = [
            ("https://example.test/a.md", "`example.test` is not a documentation host"),
            ("//example.test/a.md", "is not the path of a page"),
            ("../a.md", "is not the path of a page"),
            ("/a", "must end in `.md`"),
        ];
        for (path, problem) in table {
            let out = call(&sentry, "get_doc", json!({ "path": path })).await;
            assert!(out.starts_with("error: invalid arguments: `path`: "), "{path}: {out}");
            assert!(out.contains(problem), "{path}: {out}");
        }
        assert!(sentry.requests().await.is_empty());
    }

    #[tokio::test]
    async fn a_failing_host_is_not_blamed_on_sentry() {
        let sentry = FakeSentry::start().await.status("GET", "/api/0/a.md", 500, Value::Null).await;
        let out = call(&sentry, "get_doc", json!({ "path": "/api/0/a.md" })).await;
        assert_snapshot!(out.replace(&sentry.host(), "HOST"), @r"error: The documentation at HOST gave no answer: it failed with status 500. Sentry was not asked, and all other tools work without it. Next: go on without documentation; the user can check the network, or name another service with `--docs-url` (`SENTRY_MCP_DOCS_URL`).");
    }

    #[test]
    fn the_description_names_no_marker() {
        assert!(!GetDoc.spec(&Installation::default()).description.contains('{'));
    }
}
