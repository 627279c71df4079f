//! The documentation host: a word search and Markdown pages. The pages are short and our own.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::routes::Reply;

/// Path and text. Written for the simulation; a real page is longer.
const PAGES: [(&str, &str); 14] = [
    ("/platforms/python.md", include_str!("../../data/docs/python.md")),
    ("/platforms/python/guides/django.md", include_str!("../../data/docs/django.md")),
    ("/platforms/python/guides/celery.md", include_str!("../../data/docs/celery.md")),
    ("/platforms/javascript.md", include_str!("../../data/docs/javascript.md")),
    ("/platforms/javascript/guides/nextjs.md", include_str!("../../data/docs/nextjs.md")),
    ("/platforms/javascript/sourcemaps.md", include_str!("../../data/docs/sourcemaps.md")),
    ("/platforms/rust.md", include_str!("../../data/docs/rust.md")),
    ("/platforms/java/guides/spring-boot.md", include_str!("../../data/docs/spring-boot.md")),
    ("/platforms/go.md", include_str!("../../data/docs/go.md")),
    ("/platforms/ruby/guides/rails.md", include_str!("../../data/docs/rails.md")),
    ("/product/issues/states-triage.md", include_str!("../../data/docs/states-triage.md")),
    ("/product/issues/grouping.md", include_str!("../../data/docs/grouping.md")),
    ("/product/releases.md", include_str!("../../data/docs/releases.md")),
    ("/concepts/search.md", include_str!("../../data/docs/search.md")),
];

/// The page that answers HTML although it ends in `.md`.
const HTML_PAGE: &str = "/platforms/moved.md";

/// Answers `POST /api/search` and `GET /….md`.
pub(crate) fn answer(method: &str, path: &str, body: &Bytes) -> Reply {
    match (method, path) {
        ("POST", "/api/search") => search(body),
        ("GET", HTML_PAGE) => {
            let page = "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Moved</title></head>\
                        <body><p>This page has moved.</p></body></html>\n";
            Reply::bytes(200, "text/html; charset=utf-8", Bytes::from_static(page.as_bytes()))
        }
        ("GET", _) => match PAGES.iter().find(|(known, _)| *known == path) {
            Some((_, text)) => Reply::bytes(
                200,
                "text/markdown; charset=utf-8",
                Bytes::from_static(text.as_bytes()),
            ),
            None => {
                Reply::bytes(404, "text/plain; charset=utf-8", Bytes::from_static(b"Not found"))
            }
        },
        _ => Reply::bytes(405, "text/plain; charset=utf-8", Bytes::new()),
    }
}

fn search(body: &Bytes) -> Reply {
    let request: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let Some(query) = request.get("query").and_then(Value::as_str).map(str::trim) else {
        return Reply::json(400, &json!({ "error": "query is required" }));
    };
    if query.is_empty() {
        return Reply::json(400, &json!({ "error": "query is required" }));
    }
    let most = request.get("maxResults").and_then(Value::as_u64).unwrap_or(3).clamp(1, 10);
    let guide = request.get("guide").and_then(Value::as_str);
    let words: Vec<String> = query.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let mut hits: Vec<(u64, Value)> = PAGES
        .iter()
        .filter(|(path, _)| guide.is_none_or(|guide| in_guide(path, guide)))
        .filter_map(|(path, text)| {
            let score = score(path, text, &words);
            (score > 0).then(|| (score, hit(path, text, &words, score)))
        })
        .collect();
    // Stable: equal scores stay in the order of the table.
    hits.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    let results: Vec<Value> =
        hits.into_iter().take(usize::try_from(most).unwrap_or(3)).map(|(_, hit)| hit).collect();
    Reply::json(200, &json!({ "query": query, "results": results }))
}

/// `python` holds all of Python; `python/django` is one guide.
fn in_guide(path: &str, guide: &str) -> bool {
    match guide.split_once('/') {
        None => path
            .strip_prefix("/platforms/")
            .and_then(|rest| rest.strip_prefix(guide))
            .is_some_and(|rest| rest.starts_with(['/', '.'])),
        Some((platform, framework)) => {
            path == format!("/platforms/{platform}/guides/{framework}.md")
        }
    }
}

/// Percent of the words that the page has, in its path counting double.
fn score(path: &str, text: &str, words: &[String]) -> u64 {
    let text = text.to_lowercase();
    let points: u64 = words
        .iter()
        .map(|word| {
            u64::from(path.contains(word.as_str())) + u64::from(text.contains(word.as_str()))
        })
        .sum();
    points * 50 / words.len().max(1) as u64
}

fn hit(path: &str, text: &str, words: &[String], score: u64) -> Value {
    let paragraph = text
        .split("\n\n")
        .skip(1)
        .find(|part| words.iter().any(|word| part.to_lowercase().contains(word.as_str())))
        .or_else(|| text.split("\n\n").nth(1))
        .unwrap_or(text);
    #[expect(clippy::cast_precision_loss, reason = "the score is at most 100")]
    let relevance = score as f64 / 100.0;
    json!({
        "id": path.trim_start_matches('/'),
        "url": format!("https://docs.sentry.io{}/", path.trim_end_matches(".md")),
        "snippet": paragraph.trim(),
        "relevance": relevance,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(body: &'static str) -> Vec<String> {
        let reply = answer("POST", "/api/search", &Bytes::from_static(body.as_bytes()));
        let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
        let results = body["results"].as_array().expect("results").iter();
        results.map(|hit| hit["id"].as_str().expect("id").to_owned()).collect()
    }

    #[test]
    fn a_search_finds_the_page_with_the_most_words() {
        assert_eq!(
            ids(r#"{"query": "django setup", "maxResults": 2}"#).first().map(String::as_str),
            Some("platforms/python/guides/django.md")
        );
        assert!(ids(r#"{"query": "xyzzy"}"#).is_empty());
    }

    #[test]
    fn a_guide_limits_the_pages() {
        let found = ids(r#"{"query": "sdk", "maxResults": 10, "guide": "javascript"}"#);
        assert!(!found.is_empty());
        assert!(found.iter().all(|id| id.starts_with("platforms/javascript")), "{found:?}");
        let found = ids(r#"{"query": "sdk", "maxResults": 10, "guide": "python/django"}"#);
        assert_eq!(found, ["platforms/python/guides/django.md"]);
    }
}
