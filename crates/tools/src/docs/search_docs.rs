//! `search_docs`: a search in the documentation service. Sentry itself is not asked, and no
//! token is sent.

use std::fmt::Write as _;

use schemars::JsonSchema;
use scopes::ScopeSet;
use sentry_client::docs::{DocsHit, DocsResults, DocsService, SearchDocs as Search};
use serde::{Deserialize, Serialize};

use crate::{
    answer::{List, Listing, Reply},
    docs::{get_doc::GetDoc, service, unreachable, with_host},
    error::{Error, Result},
    gate::Feature,
    installation::Installation,
    params::Cursor,
    render::markdown,
    tool::{Context, Effect, Tool, Upstream},
};

/// The most results that the service gives for a query, over all pages.
const MOST: usize = 10;
/// How many results of an answer are shown with their snippet.
const SNIPPETS: usize = 3;

pub(crate) struct SearchDocs;

/// Search Sentry's documentation on SDK setup, configuration and features; not issues or events.
/// Gives snippets, and paths for `get_doc`. The query is sent to {host}: keep secrets out of it.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    /// 2-200 characters.
    query: String,
    #[serde(default = "default_results")]
    #[schemars(range(min = 1, max = 10))]
    max_results: i64,
    /// Platform, e.g. `javascript/nextjs`.
    guide: Option<String>,
    cursor: Option<Cursor>,
}

fn default_results() -> i64 {
    3
}

/// A page that was found, as data.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Hit {
    path: String,
    url: Option<String>,
    /// 0 to 1.
    relevance: Option<f64>,
    snippet: Option<String>,
}

impl Tool for SearchDocs {
    type Params = Params;
    type Output = List<Hit>;

    const NAME: &'static str = "search_docs";
    const EFFECT: Effect = Effect::Read;
    const REQUIRES: ScopeSet = ScopeSet::EMPTY;
    const UPSTREAM: Upstream = Upstream::ANY;
    const NEEDS: Option<Feature> = Some(Feature::Docs);

    fn describe(text: String, installation: &Installation) -> String {
        with_host(&text, installation.docs.as_ref().map(DocsService::search_host))
    }

    async fn call(&self, cx: &Context<'_>, params: Params) -> Result<Reply<List<Hit>>> {
        let docs = service(cx)?;
        let query = checked_query(&params.query)?;
        let wanted = checked_results(params.max_results)?;
        let guide = params.guide.as_deref().map(str::trim).filter(|guide| !guide.is_empty());
        let guide = guide.map(checked_guide).transpose()?;
        let shown = shown_before(params.cursor.as_deref())?;
        // The service has no pages: it is asked for what was shown and what comes next.
        let asked = MOST.min(shown + wanted);
        let search = Search { query, max_results: asked, guide: guide.as_deref() };
        let found = cx.sentry.search_docs(docs, &search).await;
        let found = found.map_err(|err| unreachable(docs.search_host(), err))?;

        let heading = format!("# Documentation search: {}", markdown::code(query, 200));
        let mut out = Listing::titled(&heading);
        if let Some(guide) = &guide {
            out.words(&format!("Guide: `{guide}`\n\n"));
        }
        write_results(&mut out, cx, &found, shown..asked);
        Ok(out.reply(cx))
    }
}

fn checked_query(query: &str) -> Result<&str> {
    let query = query.trim();
    match query.chars().count() {
        0 | 1 => Err(Error::argument("query", "too short: use at least 2 characters")),
        2..=200 => Ok(query),
        length => {
            let problem =
                format!("too long: {length} characters, of at most 200; name only the topic");
            Err(Error::argument("query", problem))
        }
    }
}

fn checked_results(wanted: i64) -> Result<usize> {
    let problem = || Error::argument("maxResults", format!("must be from 1 to {MOST}"));
    usize::try_from(wanted).ok().filter(|wanted| (1..=MOST).contains(wanted)).ok_or_else(problem)
}

/// A platform, or a platform and a framework: `python`, `python/django`.
fn checked_guide(guide: &str) -> Result<String> {
    let guide = guide.to_ascii_lowercase();
    let good = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if guide.len() > 80 || guide.split('/').count() > 2 || !guide.split('/').all(good) {
        let problem = "must be a platform such as `python`, or with its framework, such as \
                       `python/django`";
        return Err(Error::argument("guide", problem));
    }
    Ok(guide)
}

/// How many results earlier answers have shown: that is what this tool's cursor holds.
fn shown_before(cursor: Option<&sentry_client::Cursor>) -> Result<usize> {
    let Some(cursor) = cursor else { return Ok(0) };
    cursor.as_str().parse().ok().filter(|shown| (1..MOST).contains(shown)).ok_or_else(|| {
        let problem = "is not from an earlier answer to this search; leave it out to start again";
        Error::argument("cursor", problem)
    })
}

fn write_results(
    out: &mut Listing<Hit>,
    cx: &Context<'_>,
    found: &DocsResults,
    window: std::ops::Range<usize>,
) {
    if let Some(error) = &found.error {
        let mut text = String::from("The documentation service answered with an error:\n\n");
        markdown::code_block(&mut text, "", &markdown::line(error, 500));
        out.note(&text);
        out.note("\nCall again with other words, or try later.");
        return;
    }
    let hits = found.results.items.iter().skip(window.start).take(window.len());
    let hits: Vec<_> = hits.enumerate().collect();
    if hits.is_empty() {
        out.note(match (found.results.skipped, window.start) {
            (0, 0) => {
                "No page matches. Call again with fewer or more general words, or without `guide`."
            }
            (0, _) => "There are no more results. Other words may find other pages.",
            _ => "What the service found could not be read. Other words may find other pages.",
        });
        return;
    }
    out.words(&format!("{} result{}.", hits.len(), if hits.len() == 1 { "" } else { "s" }));
    if let Some(get_doc) = cx.offers::<GetDoc>() {
        out.note(&format!(" These are snippets; `{get_doc}` with a `path` gives the page."));
    }
    out.words("\n\n");
    for (index, hit) in &hits {
        let with_snippet = *index < SNIPPETS;
        let data = Hit {
            path: hit.path.clone(),
            url: hit.url.clone(),
            relevance: hit.relevance,
            snippet: snippet(hit).filter(|_| with_snippet).map(str::to_owned),
        };
        out.entry(&entry(window.start + index + 1, hit, with_snippet), data);
    }
    write_end(out, found, window.start + hits.len(), window.end);
}

fn snippet(hit: &DocsHit) -> Option<&str> {
    hit.snippet.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

fn entry(number: usize, hit: &DocsHit, with_snippet: bool) -> String {
    let place = hit.url.as_deref().unwrap_or(&hit.path);
    let mut out = format!("## {number}. {}\n\n", markdown::line(place, 300));
    let _ = writeln!(out, "- Path: {}", markdown::code(&hit.path, 300));
    if let Some(relevance) = hit.relevance {
        let _ = writeln!(out, "- Relevance: {:.1} %", relevance.clamp(0.0, 1.0) * 100.0);
    }
    if let Some(snippet) = snippet(hit).filter(|_| with_snippet) {
        out.push('\n');
        for line in snippet.lines() {
            let _ = writeln!(out, "{}", format!("> {}", markdown::line(line, 1_000)).trim_end());
        }
    }
    out.push('\n');
    out
}

/// Whether more can come: the service gives at most [`MOST`] results, and no total.
fn write_end(out: &mut Listing<Hit>, found: &DocsResults, shown: usize, asked: usize) {
    let skipped = found.results.skipped;
    if let Some(notice) = markdown::left_out(skipped, "result", "results") {
        out.words(&format!("{notice}\n\n"));
    }
    let mut next = None;
    if found.results.items.len() + skipped < asked {
        out.note("That is everything the service found.");
    } else if asked >= MOST {
        out.note(&format!(
            "The service gives at most {MOST} results. Other words may find other pages."
        ));
    } else {
        out.words(&format!("There may be more: call again with `cursor`: `{shown}`"));
        next = Some(shown.to_string());
    }
    out.next(skipped, next);
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use scopes::{Granted, Origin, ScopeSet};
    use sentry_client::docs::DocsService;
    use serde_json::{Value, json};
    use test_support::{FakeSentry, fixture};

    use super::SearchDocs;
    use crate::{
        gate::Grant,
        installation::Installation,
        testing::{call, call_as},
        tool::DynTool,
    };

    const PATH: &str = "/api/search";

    async fn found() -> FakeSentry {
        let results = fixture!("docs/results.json");
        FakeSentry::start().await.status("POST", PATH, 200, results).await
    }

    #[tokio::test]
    async fn shows_paths_and_the_first_snippets() {
        let sentry = found().await;
        let args =
            json!({ "query": " source maps ", "guide": "JavaScript/NextJS", "maxResults": "5" });
        let nothing = Grant::new(Granted { scopes: ScopeSet::EMPTY, origin: Origin::Default });
        let out = call_as(&sentry, &nothing, "search_docs", args).await;
        assert_snapshot!(out, @r"
        # Documentation search: `source maps`

        Guide: `javascript/nextjs`

        4 results. These are snippets; `get_doc` with a `path` gives the page.

        ## 1. https://docs.sentry.io/platforms/javascript/sourcemaps

        - Path: `platforms/javascript/sourcemaps.md`
        - Relevance: 87.6 %

        > Upload source maps
        >
        > > during the build, then check one event.

        ## 2. platforms/javascript/guides/nextjs/sourcemaps.md

        - Path: `platforms/javascript/guides/nextjs/sourcemaps.md`
        - Relevance: 50.0 %

        > Next.js uploads them in `next build`.

        ## 3. https://docs.sentry.io/cli/releases

        - Path: `cli/releases.md`

        ## 4. https://docs.sentry.io/platforms/javascript/troubleshooting

        - Path: `platforms/javascript/troubleshooting.md`
        - Relevance: 10.0 %

        1 result could not be read and was left out.

        There may be more: call again with `cursor`: `4`
        ");
        let body = &sentry.requests().await[0].body;
        let expected =
            json!({ "query": "source maps", "maxResults": 5, "guide": "javascript/nextjs" });
        assert_eq!(*body, expected);
    }

    #[tokio::test]
    async fn a_cursor_goes_on_after_what_was_shown() {
        let sentry = found().await;
        let out = call(&sentry, "search_docs", json!({ "query": "source maps" })).await;
        assert!(out.contains("## 3. ") && !out.contains("## 4. "), "{out}");
        assert!(out.ends_with("call again with `cursor`: `3`"), "{out}");
        let args = json!({ "query": "source maps", "cursor": 3 });
        let out = call(&sentry, "search_docs", args).await;
        assert_snapshot!(out, @r"
        # Documentation search: `source maps`

        1 result. These are snippets; `get_doc` with a `path` gives the page.

        ## 4. https://docs.sentry.io/platforms/javascript/troubleshooting

        - Path: `platforms/javascript/troubleshooting.md`
        - Relevance: 10.0 %

        > A fourth snippet is not shown.

        1 result could not be read and was left out.

        That is everything the service found.
        ");
        let asked: Vec<_> =
            sentry.requests().await.iter().map(|one| one.body["maxResults"].clone()).collect();
        assert_eq!(asked, [3, 6]);
    }

    #[tokio::test]
    async fn a_result_that_cannot_be_read_hides_no_other() {
        let sentry = FakeSentry::start().await;
        let hits =
            [json!({ "id": "1.md" }), json!({}), json!({ "id": "3.md" }), json!({ "id": "4.md" })];
        let first = json!({ "query": "xy", "maxResults": 2 });
        let sentry = sentry.status("POST", PATH, 200, json!({ "results": hits[..2] })).await;
        let out = call(&sentry, "search_docs", first).await;
        assert!(out.contains("## 1. 1.md") && out.ends_with("`cursor`: `1`"), "{out}");
        let sentry = FakeSentry::start().await;
        let sentry = sentry.status("POST", PATH, 200, json!({ "results": hits[..3] })).await;
        let next = json!({ "query": "xy", "maxResults": 2, "cursor": "1" });
        let out = call(&sentry, "search_docs", next).await;
        assert!(out.contains("## 2. 3.md") && out.ends_with("`cursor`: `2`"), "{out}");
    }

    #[tokio::test]
    async fn the_end_of_what_the_service_gives_is_said() {
        let hits: Vec<_> = (0..10).map(|n| json!({ "id": format!("{n}.md") })).collect();
        let sentry =
            FakeSentry::start().await.status("POST", PATH, 200, json!({ "results": hits })).await;
        let args = json!({ "query": "all", "maxResults": 9, "cursor": "6" });
        let out = call(&sentry, "search_docs", args).await;
        assert!(out.contains("4 results") && out.contains("## 10. 9.md"), "{out}");
        assert!(out.contains("at most 10 results") && !out.contains("cursor"), "{out}");
    }

    #[tokio::test]
    async fn each_bad_argument_has_its_own_message() {
        let sentry = FakeSentry::start().await;
        let table = [
            (json!({ "query": " x " }), "`query`: too short"),
            (json!({ "query": "x".repeat(201) }), "`query`: too long: 201 characters"),
            (json!({ "query": "xy", "maxResults": 0 }), "`maxResults`: must be from 1 to 10"),
            (json!({ "query": "xy", "maxResults": 11 }), "`maxResults`: must be from 1 to 10"),
            (json!({ "query": "xy", "guide": "../etc" }), "`guide`: must be a platform"),
            (json!({ "query": "xy", "guide": "a/b/c" }), "`guide`: must be a platform"),
            (json!({ "query": "xy", "guide": "a\nb" }), "`guide`: must be a platform"),
            (
                json!({ "query": "xy", "cursor": "0:50:0" }),
                "`cursor`: is not from an earlier answer",
            ),
            (json!({ "query": "xy", "cursor": "10" }), "`cursor`: is not from an earlier answer"),
        ];
        for (args, problem) in table {
            let out = call(&sentry, "search_docs", args.clone()).await;
            assert!(out.contains(problem), "{args}: {out}");
        }
        assert!(sentry.requests().await.is_empty());
    }

    #[tokio::test]
    async fn nothing_found_says_what_to_try_and_an_error_is_quoted() {
        let table = [
            (200, json!({ "results": [] }), "No page matches."),
            (
                200,
                json!({ "results": [], "error": "index `down`\n# x" }),
                "```\nindex `down` # x\n```",
            ),
            (500, json!({ "error": "index down" }), "```\nindex down\n```"),
        ];
        for (status, body, expected) in table {
            let sentry = FakeSentry::start().await.status("POST", PATH, status, body).await;
            let out = call(&sentry, "search_docs", json!({ "query": "xy" })).await;
            assert!(out.starts_with("# Documentation search") && out.contains(expected), "{out}");
        }
    }

    #[tokio::test]
    async fn a_service_that_does_not_answer_is_named_with_what_to_do() {
        let table = [
            (401, json!({}), "asks for a login"),
            (404, Value::Null, "no documentation search"),
            (200, json!("text"), "not a documentation service"),
        ];
        for (status, body, expected) in table {
            let sentry = FakeSentry::start().await.status("POST", PATH, status, body).await;
            let out = call(&sentry, "search_docs", json!({ "query": "xy" })).await;
            assert!(out.starts_with("error: ") && out.contains(expected), "{out}");
            assert!(out.contains(&sentry.host()) && out.contains("--docs-url"), "{out}");
        }
    }

    #[test]
    fn the_description_names_the_host_that_gets_the_query() {
        let docs = DocsService::parse("https://find.example.test", "https://docs.sentry.io").ok();
        let spec = SearchDocs.spec(&Installation { docs, ..Installation::default() });
        assert!(spec.description.contains("sent to find.example.test"), "{}", spec.description);
        assert!(!SearchDocs.spec(&Installation::default()).description.contains('{'));
    }
}
