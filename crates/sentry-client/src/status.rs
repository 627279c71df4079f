//! Status codes, error bodies and rate-limit headers, turned into an `ErrorKind`.
//! It decides nothing about repeating a request: `send` does.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use serde_json::Value;

use crate::{ErrorKind, NotJson, ids::shorten, send::Answer};

/// Sentry's text is cut after this many characters.
const TEXT: usize = 300;
/// At most this many fields of a validation error are told, and as many messages in all.
const FIELDS: usize = 20;

/// Why an answer that is no success failed.
pub(crate) fn failure(is_read: bool, answer: &Answer, attempts: u32) -> ErrorKind {
    let status = answer.status;
    if is_html(answer) && matches!(status, 403 | 407) {
        return ErrorKind::NotJson { status, what: NotJson::Html };
    }
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match status {
        300..=399 => moved(answer, &body),
        400 | 422 => ErrorKind::Validation { detail: detail(&body), fields: fields(&body) },
        401 => ErrorKind::Unauthorized { detail: detail(&body) },
        403 => ErrorKind::Forbidden { detail: detail(&body) },
        404 => ErrorKind::NotFound { detail: detail(&body) },
        409 => ErrorKind::Conflict { detail: detail(&body).or_else(|| joined(&fields(&body))) },
        429 => ErrorKind::RateLimited { retry_after: wait_of(answer, &body) },
        // A gateway that lost the answer does not know whether the write was made.
        502 | 504 if !is_read => {
            ErrorKind::OutcomeUnknown { reason: format!("a gateway answered with status {status}") }
        }
        502..=504 => ErrorKind::Unavailable { status, attempts },
        _ => ErrorKind::Status { status, detail: detail(&body) },
    }
}

fn moved(answer: &Answer, body: &Value) -> ErrorKind {
    let slug = body.pointer("/detail/extra/slug").or_else(|| body.get("slug"));
    let location = answer.headers.get(LOCATION).and_then(|location| location.to_str().ok());
    ErrorKind::Moved {
        to_slug: slug.and_then(Value::as_str).map(|slug| shorten(slug, TEXT)),
        // Without the query and the user-info: a login page's address may carry secrets there.
        location: location.map(|text| {
            let text = text.split(['?', '#']).next().unwrap_or_default();
            shorten(text.rsplit_once('@').map_or(text, |(_, rest)| rest), TEXT)
        }),
    }
}

fn is_html(answer: &Answer) -> bool {
    let declared =
        answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = answer.body.iter().find(|b| !b.is_ascii_whitespace());
    first == Some(&b'<')
        || (declared.starts_with("text/html") && !matches!(first, Some(b'{' | b'[')))
}

/// `{"detail": "…"}` or `{"detail": {"message": "…"}}`, also where a list has one text.
fn detail(body: &Value) -> Option<String> {
    let found = match body {
        Value::Object(map) => {
            map.get("detail").or_else(|| map.get("error")).or_else(|| map.get("message"))?
        }
        other => other,
    };
    let text = match found {
        Value::String(text) => text,
        Value::Object(map) => map.get("message")?.as_str()?,
        Value::Array(list) => list.first()?.as_str()?,
        _ => return None,
    };
    Some(shorten(text.trim(), TEXT)).filter(|text| !text.is_empty())
}

/// `{"platform": ["Invalid platform"]}`: messages per field; nested fields with a dot.
///
/// Some endpoints wrap the same in a `detail` without a message of its own.
fn fields(body: &Value) -> Vec<(String, Vec<String>)> {
    let mut fields = Vec::new();
    let Value::Object(map) = body else { return fields };
    let wrapped = match map.get("detail") {
        Some(Value::Object(inner)) if !matches!(inner.get("message"), Some(Value::String(_))) => {
            Some(inner)
        }
        _ => None,
    };
    let own = map.iter().filter(|(name, _)| *name != "detail");
    for (name, value) in own.chain(wrapped.into_iter().flatten()) {
        collect(&shorten(name, 60), value, &mut fields, 3);
    }
    fields
}

/// Messages per field as one text, where a kind has room for no more.
fn joined(fields: &[(String, Vec<String>)]) -> Option<String> {
    let texts: Vec<_> =
        fields.iter().map(|(name, texts)| format!("{name}: {}", texts.join(", "))).collect();
    Some(shorten(&texts.join("; "), TEXT)).filter(|text| !text.is_empty())
}

fn collect(name: &str, value: &Value, fields: &mut Vec<(String, Vec<String>)>, depth: usize) {
    if fields.len() >= FIELDS || depth == 0 {
        return;
    }
    match value {
        Value::String(text) => fields.push((name.to_owned(), vec![shorten(text, TEXT)])),
        Value::Array(list) => {
            let texts = list.iter().filter_map(Value::as_str).take(FIELDS);
            let messages: Vec<_> = texts.map(|text| shorten(text, TEXT)).collect();
            if !messages.is_empty() {
                fields.push((name.to_owned(), messages));
            }
            for (index, nested) in
                list.iter().enumerate().filter(|(_, value)| value.is_object()).take(FIELDS)
            {
                collect(&format!("{name}.{index}"), nested, fields, depth - 1);
            }
        }
        Value::Object(map) => {
            for (nested, value) in map.iter().take(FIELDS) {
                collect(&format!("{name}.{}", shorten(nested, 60)), value, fields, depth - 1);
            }
        }
        _ => {}
    }
}

/// How long to wait by the headers: `Retry-After` in seconds or as a date (RFC 9110 10.2.3),
/// else the end of Sentry's window, `X-Sentry-Rate-Limit-Reset` in seconds since 1970.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let until = |time: SystemTime| time.duration_since(now).unwrap_or_default();
    if let Some(wait) = text(RETRY_AFTER.as_str()) {
        if let Some(seconds) = seconds(wait) {
            return Some(seconds);
        }
        if let Ok(date) = httpdate::parse_http_date(wait) {
            return Some(until(date));
        }
    }
    let reset = seconds(text("x-sentry-rate-limit-reset")?)?;
    Some(until(UNIX_EPOCH.checked_add(reset)?))
}

fn wait_of(answer: &Answer, body: &Value) -> Option<Duration> {
    retry_after(&answer.headers, SystemTime::now()).or_else(|| {
        let wait = body.get("retry_after").or_else(|| body.get("retryAfter"))?;
        wait.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    })
}

fn seconds(text: &str) -> Option<Duration> {
    text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;

    fn told(status: u16, body: &Value) -> ErrorKind {
        let body = Bytes::from(serde_json::to_vec(body).unwrap());
        failure(true, &Answer { status, headers: HeaderMap::new(), body }, 1)
    }

    fn wait(headers: &[(&'static str, &str)]) -> Option<u64> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
        retry_after(&map, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn texts_of_sentry_are_found_wherever_they_are() {
        for body in [
            json!({"detail": "no"}),
            json!({"detail": {"code": "x", "message": "no"}}),
            json!({"detail": ["no"]}),
            json!({"error": "no"}),
            json!(["no"]),
            json!("no"),
            json!({"detail": " n\u{0}o\n"}),
        ] {
            match told(403, &body) {
                ErrorKind::Forbidden { detail } => {
                    assert_eq!(detail.as_deref(), Some("no"), "{body}");
                }
                other => panic!("{other:?}"),
            }
        }
        for body in [
            json!({}),
            json!(null),
            json!({"detail": null}),
            json!({"detail": ""}),
            json!({"detail": 7}),
        ] {
            assert!(matches!(told(403, &body), ErrorKind::Forbidden { detail: None }), "{body}");
        }
        let ErrorKind::NotFound { detail: Some(long) } =
            told(404, &json!({"detail": "ä".repeat(1000)}))
        else {
            panic!("no text");
        };
        assert_eq!(long.chars().count(), 301);
    }

    #[test]
    fn every_status_has_its_kind() {
        let none = json!({});
        assert!(matches!(told(400, &none), ErrorKind::Validation { .. }));
        assert!(matches!(told(422, &none), ErrorKind::Validation { .. }));
        assert!(matches!(told(401, &none), ErrorKind::Unauthorized { .. }));
        assert!(matches!(told(404, &none), ErrorKind::NotFound { .. }));
        assert!(matches!(told(409, &none), ErrorKind::Conflict { .. }));
        assert!(matches!(told(405, &none), ErrorKind::Status { status: 405, .. }));
        assert!(matches!(told(500, &none), ErrorKind::Status { status: 500, .. }));
        assert!(matches!(told(503, &none), ErrorKind::Unavailable { status: 503, attempts: 1 }));
        assert!(matches!(told(304, &none), ErrorKind::Moved { .. }));
    }

    #[test]
    fn messages_are_kept_per_field() {
        let body = json!({
            "platform": ["Invalid platform", "Too long"],
            "name": "Required",
            "options": {"color": ["Unknown"]},
            "rules": [{"id": ["Missing"]}, "bad"],
            "count": 7,
        });
        let ErrorKind::Validation { detail: None, fields } = told(400, &body) else {
            panic!("no validation")
        };
        let texts: Vec<_> = fields
            .iter()
            .map(|(name, messages)| format!("{name}={}", messages.join("|")))
            .collect();
        let expected = [
            "platform=Invalid platform|Too long",
            "name=Required",
            "options.color=Unknown",
            "rules=bad",
            "rules.0.id=Missing",
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn messages_inside_detail_are_kept_per_field_unless_it_has_its_own() {
        let ErrorKind::Validation { detail: None, fields } =
            told(400, &json!({"detail": {"slug": ["Taken"]}}))
        else {
            panic!("no validation")
        };
        assert_eq!(fields, [("slug".to_owned(), vec!["Taken".to_owned()])]);
        let body = json!({"detail": {"code": "x", "message": "no", "extra": {"a": "b"}}});
        assert!(
            matches!(told(400, &body), ErrorKind::Validation { detail: Some(_), fields } if fields.is_empty())
        );
    }

    #[test]
    fn a_conflict_keeps_its_text_whatever_its_shape() {
        for (body, expected) in [
            (json!({"detail": "exists"}), Some("exists")),
            (json!({"detail": {"message": "exists"}}), Some("exists")),
            (json!({"detail": {"slug": ["exists", "short"]}}), Some("slug: exists, short")),
            (
                json!({"detail": {"name": "long", "slug": {"en": ["exists"]}}}),
                Some("name: long; slug.en: exists"),
            ),
            (json!({"slug": ["exists"]}), Some("slug: exists")),
            (json!({"detail": {}}), None),
            (json!({}), None),
            (json!(null), None),
        ] {
            match told(409, &body) {
                ErrorKind::Conflict { detail } => assert_eq!(detail.as_deref(), expected, "{body}"),
                other => panic!("{other:?}"),
            }
        }
        let many: Vec<_> = (0..50).map(|_| "x".repeat(1000)).collect();
        let ErrorKind::Conflict { detail: Some(long) } =
            told(409, &json!({"detail": {"slug": many}}))
        else {
            panic!("no text");
        };
        assert_eq!(long.chars().count(), 301);
    }

    #[test]
    fn hostile_error_bodies_stay_small() {
        let many: serde_json::Map<String, Value> =
            (0..1000).map(|n| (format!("field{n}"), json!(vec!["x".repeat(1000); 50]))).collect();
        let ErrorKind::Validation { fields, .. } = told(400, &Value::Object(many)) else {
            panic!("no validation")
        };
        assert_eq!(fields.len(), FIELDS);
        let mut deep = json!("x");
        for _ in 0..100 {
            deep = json!({ "a": deep });
        }
        let ErrorKind::Validation { fields, .. } = told(400, &deep) else {
            panic!("no validation")
        };
        assert_eq!(fields, []);
    }

    #[test]
    fn how_long_to_wait() {
        let date = "Sun, 06 Nov 1994 08:49:39 GMT";
        assert_eq!(wait(&[("retry-after", "7")]), Some(7));
        assert_eq!(wait(&[("retry-after", " 3600 ")]), Some(3600));
        assert_eq!(wait(&[("retry-after", date)]), Some(2));
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")]), Some(0));
        assert_eq!(wait(&[("x-sentry-rate-limit-reset", "784111780")]), Some(3));
        assert_eq!(
            wait(&[("retry-after", "soon"), ("x-sentry-rate-limit-reset", "784111780")]),
            Some(3)
        );
        for bad in ["-1", "soon", "NaN", "inf", "1e300", ""] {
            assert_eq!(wait(&[("retry-after", bad)]), None, "{bad}");
        }
        assert_eq!(wait(&[]), None);
    }
}
