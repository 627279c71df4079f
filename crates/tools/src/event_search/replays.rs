//! Replays in an answer: whose session, when, and what went wrong in it. It shows no recording.

use std::fmt::Write as _;

use sentry_client::{Untrusted, discover::Replay};

use super::{
    cells::{self, safe},
    entries::Web,
};

/// The most pages that are told.
pub(crate) const PAGES: usize = 2;

/// One replay, as an entry of a numbered list.
pub(crate) fn entry(number: usize, replay: &Replay, web: Web<'_>) -> String {
    let id = match cells::id(&replay.id) {
        Some(hex) => {
            let url = web.site.web_url(web.org, &format!("/explore/replays/{hex}/"));
            format!("[{hex}]({url})")
        }
        None => safe(&replay.id),
    };
    let mut out = format!("{number}. {id}\n");
    let mut facts = vec![format!("user {}", user(replay))];
    facts.extend(replay.started_at.as_deref().map(|time| format!("started {}", safe(time))));
    facts.extend(replay.duration.map(|seconds| format!("{} min {} s", seconds / 60, seconds % 60)));
    facts.extend((replay.is_archived == Some(true)).then(|| "archived".to_owned()));
    line(&mut out, &facts);
    let counts = [
        (replay.count_errors, "errors"),
        (replay.count_rage_clicks, "rage clicks"),
        (replay.count_dead_clicks, "dead clicks"),
    ];
    let counts = counts.iter().filter_map(|(count, what)| Some(format!("{} {what}", (*count)?)));
    line(&mut out, &counts.collect::<Vec<_>>());
    let mut facts = Vec::new();
    facts.extend(text(replay.environment.as_ref()).map(|name| format!("environment {name}")));
    facts.extend(browser(replay).map(|name| format!("browser {name}")));
    facts.extend(first(&replay.releases, 1, safe).map(|release| format!("release {release}")));
    line(&mut out, &facts);
    line(
        &mut out,
        &Vec::from_iter(first(&replay.urls, PAGES, safe).map(|urls| format!("pages {urls}"))),
    );
    let trace = first(&replay.trace_ids, 1, |id| web.trace(id));
    line(&mut out, &Vec::from_iter(trace.map(|trace| format!("trace {trace}"))));
    out
}

fn line(out: &mut String, facts: &[String]) {
    if !facts.is_empty() {
        let _ = writeln!(out, "   - {}", facts.join(", "));
    }
}

fn text(value: Option<&Untrusted>) -> Option<String> {
    value.filter(|value| !value.is_blank()).map(|value| safe(value.expose()))
}

/// Whose session it was, by the name that says the most.
pub(crate) fn user_of(replay: &Replay) -> Option<&Untrusted> {
    let user = replay.user.as_ref()?;
    let names = [&user.display_name, &user.email, &user.username, &user.id];
    names.into_iter().flatten().find(|name| !name.is_blank())
}

fn user(replay: &Replay) -> String {
    text(user_of(replay)).unwrap_or_else(|| "anonymous".to_owned())
}

/// The browser and its version.
pub(crate) fn browser_of(replay: &Replay) -> Option<String> {
    let browser = replay.browser.as_ref()?;
    let name = browser.name.as_ref().filter(|name| !name.is_blank())?.expose();
    let version = browser.version.as_ref().map(Untrusted::expose).unwrap_or_default();
    Some(format!("{name} {version}").trim().to_owned())
}

fn browser(replay: &Replay) -> Option<String> {
    Some(safe(&browser_of(replay)?))
}

/// The first few of a list, and how many more there are.
fn first(list: &[Untrusted], most: usize, show: impl Fn(&str) -> String) -> Option<String> {
    let told: Vec<String> = list
        .iter()
        .filter(|item| !item.is_blank())
        .take(most)
        .map(|item| show(item.expose()))
        .collect();
    let more = list.len().saturating_sub(told.len());
    let mut text = Some(told.join(", ")).filter(|text| !text.is_empty())?;
    if more > 0 {
        let _ = write!(text, " (+{more} more)");
    }
    Some(text)
}
