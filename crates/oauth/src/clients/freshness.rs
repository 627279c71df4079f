//! How long a fetched document may be used without asking again (RFC 9111), within bounds.
//! It stores nothing.

use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::header::{AGE, CACHE_CONTROL, DATE, EXPIRES, HeaderMap, HeaderName};

use crate::store::{DAY, MINUTE, Millis, SECOND};

/// The bounds: a host cannot make this server ask it for each request, nor keep it from seeing
/// a changed document for longer than a day.
const SHORTEST: Millis = MINUTE;
const LONGEST: Millis = DAY;
/// Without a word from the host.
const DEFAULT: Millis = 5 * MINUTE;

/// How long the answer with these headers may be used: `s-maxage`, `max-age` or `Expires`
/// (RFC 9111 section 4.2.1) less its `Age`, between a minute and a day. `no-store`, `no-cache`
/// and `private` mean the minute.
pub(super) fn lifetime(headers: &HeaderMap, now: Millis) -> Millis {
    let control = Control::of(headers);
    let said = match control.seconds() {
        _ if control.uncacheable => Some(0),
        Some(seconds) => Some(seconds.saturating_mul(SECOND)),
        None => expires(headers, now),
    };
    let age = text(headers, &AGE).and_then(|age| age.trim().parse::<u32>().ok()).unwrap_or(0);
    let left = said.map_or(DEFAULT, |said| said.saturating_sub(Millis::from(age) * SECOND));
    left.clamp(SHORTEST, LONGEST)
}

#[derive(Default)]
struct Control {
    uncacheable: bool,
    max_age: Option<Millis>,
    shared: Option<Millis>,
}

impl Control {
    fn of(headers: &HeaderMap) -> Control {
        let mut control = Control::default();
        let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
        for directive in values.flat_map(|value| value.split(',')) {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            // What is said twice, or cannot be read, counts in its shorter meaning.
            let seconds = || {
                let digits = value.trim().trim_matches('"');
                Millis::from(digits.parse::<u32>().unwrap_or(0))
            };
            let shorter =
                |known: Option<Millis>| Some(known.map_or(seconds(), |k| k.min(seconds())));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-store" | "no-cache" | "private" => control.uncacheable = true,
                "max-age" => control.max_age = shorter(control.max_age),
                "s-maxage" => control.shared = shorter(control.shared),
                _ => {}
            }
        }
        control
    }

    fn seconds(&self) -> Option<Millis> {
        self.shared.or(self.max_age)
    }
}

/// `Expires` less `Date`; an `Expires` that is no date has passed (RFC 9111 section 5.3).
fn expires(headers: &HeaderMap, now: Millis) -> Option<Millis> {
    let expires = text(headers, &EXPIRES)?;
    let Some(expires) = date(expires) else { return Some(0) };
    let sent = text(headers, &DATE).and_then(date).unwrap_or(now);
    Some(expires.saturating_sub(sent).max(0))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

fn date(text: &str) -> Option<Millis> {
    let moment: SystemTime = httpdate::parse_http_date(text).ok()?;
    Millis::try_from(moment.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_lives_as_long_as_its_host_says_within_a_minute_and_a_day() {
        let now = date("Sun, 22 Nov 2026 12:00:00 GMT").unwrap();
        for (headers, seconds) in [
            (&[][..], 300),
            (&[("cache-control", "max-age=600")], 600),
            (&[("cache-control", "public, Max-Age=\"600\"")], 600),
            (&[("cache-control", "max-age=600"), ("age", "200")], 400),
            (&[("cache-control", "max-age=600, s-maxage=900")], 900),
            (&[("cache-control", "max-age=600"), ("cache-control", "max-age=90")], 90),
            (&[("cache-control", "max-age=0")], 60),
            (&[("cache-control", "max-age=1")], 60),
            (&[("cache-control", "max-age=-5")], 60),
            (&[("cache-control", "max-age=soon")], 60),
            (&[("cache-control", "max-age=99999999999999999999")], 60),
            (&[("cache-control", "max-age=31536000, immutable")], 86_400),
            (&[("cache-control", "max-age=600, no-store")], 60),
            (&[("cache-control", "no-cache")], 60),
            (&[("cache-control", "private, max-age=600")], 60),
            (&[("expires", "Sun, 22 Nov 2026 12:10:00 GMT")], 600),
            (
                &[
                    ("expires", "Sun, 22 Nov 2026 12:10:00 GMT"),
                    ("date", "Sun, 22 Nov 2026 12:05:00 GMT"),
                ],
                300,
            ),
            (&[("expires", "Sun, 22 Nov 2026 11:00:00 GMT")], 60),
            (&[("expires", "0")], 60),
            (&[("cache-control", "max-age=600"), ("expires", "0")], 600),
            (&[("age", "9999")], 300),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, value.parse().unwrap());
            }
            assert_eq!(lifetime(&map, now), seconds * SECOND, "{headers:?}");
        }
    }
}
