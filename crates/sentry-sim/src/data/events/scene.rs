//! What surrounds an event: who, where, with which SDK, after what. Knows no stack traces.

use serde_json::{Map, Value, json};

use crate::data::{Issue, hex_id, issues::Spec, precise_date};

/// City, region, country code, country.
const PLACES: [(&str, &str, &str, &str); 6] = [
    ("Lyon", "Auvergne-Rhône-Alpes", "FR", "France"),
    ("Toronto", "Ontario", "CA", "Canada"),
    ("Nagoya", "Aichi", "JP", "Japan"),
    ("Porto Alegre", "Rio Grande do Sul", "BR", "Brazil"),
    ("Haifa", "Haifa District", "IL", "Israel"),
    ("Leeds", "England", "GB", "United Kingdom"),
];

/// One event of an issue; number 0 is the newest.
pub(super) struct Shot<'a> {
    pub(super) spec: &'a Spec,
    pub(super) issue: &'a Issue,
    pub(super) number: u32,
    pub(super) at: i64,
}

impl Shot<'_> {
    fn pick<'a>(&self, values: &'a [String]) -> Option<&'a str> {
        let position = self.number as usize % values.len().max(1);
        values.get(position).map(String::as_str)
    }

    pub(super) fn release(&self) -> Option<&str> {
        self.pick(&self.spec.releases)
    }

    /// Which of the many users hit it.
    fn visitor(&self) -> u64 {
        self.issue.id * 7 % 389 + u64::from(self.number) * 13
    }

    fn is_browser(&self) -> bool {
        self.issue.platform == "javascript"
    }

    pub(super) fn user(&self) -> Value {
        if self.issue.users == 0 {
            return Value::Null;
        }
        let visitor = self.visitor();
        let place = PLACES.get(usize::try_from(visitor % 6).unwrap_or(0));
        json!({
            "id": (20_000 + visitor).to_string(),
            "email": format!("shopper-{visitor}@example.test"),
            "username": if visitor.is_multiple_of(3) { json!(format!("shopper{visitor}")) } else { json!(null) },
            "ip_address": format!("203.0.113.{}", visitor % 250 + 1),
            "name": null,
            "geo": place.map(|(city, region, code, country)| json!({
                "country_code": code, "city": city, "region": country, "subdivision": region,
            })),
            "data": null,
        })
    }

    pub(super) fn contexts(&self) -> Value {
        let mut contexts = Map::new();
        if self.is_browser() {
            let version = 140 + self.visitor() % 4;
            contexts.insert(
                "browser".to_owned(),
                json!({ "name": "Chrome", "version": format!("{version}.0.0"), "type": "browser" }),
            );
            contexts.insert(
                "os".to_owned(),
                json!({ "name": "Android", "version": "16", "type": "os" }),
            );
        } else {
            let (name, version) = runtime(&self.issue.platform);
            contexts.insert(
                "runtime".to_owned(),
                json!({ "name": name, "version": version, "type": "runtime" }),
            );
            contexts.insert(
                "os".to_owned(),
                json!({
                    "name": "Linux", "version": "6.12.48", "kernel_version": "6.12.48-cloud",
                    "type": "os",
                }),
            );
        }
        let seed = format!("trace {} {}", self.issue.id, self.number);
        let span = hex_id(&format!("span {seed}")).split_off(16);
        contexts.insert(
            "trace".to_owned(),
            json!({
                "trace_id": hex_id(&seed),
                "span_id": span,
                "op": if self.is_browser() { "pageload" } else { "http.server" },
                "status": "internal_error",
                "type": "trace",
            }),
        );
        contexts.extend(self.spec.contexts.clone());
        Value::Object(contexts)
    }

    pub(super) fn sdk(&self) -> Value {
        let (name, version) = match self.issue.platform.as_str() {
            "python" => ("sentry.python.django", "2.43.0"),
            "javascript" => ("sentry.javascript.nextjs", "10.22.0"),
            "rust" => ("sentry.rust", "0.45.0"),
            "java" => ("sentry.java.spring-boot.jakarta", "8.25.0"),
            "go" => ("sentry.go", "0.36.2"),
            "ruby" => ("sentry.ruby.rails", "6.1.0"),
            _ => return Value::Null,
        };
        json!({ "name": name, "version": version })
    }

    /// Sorted by key, as Sentry lists them.
    pub(super) fn tags(&self) -> Vec<Value> {
        let mut tags = self.spec.tags.clone();
        let mut add = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                tags.entry(key.to_owned()).or_insert(value);
            }
        };
        add("level", Some(self.spec.level.clone()));
        add("environment", self.pick(&self.spec.environments).map(str::to_owned));
        add("release", self.release().map(str::to_owned));
        add("transaction", self.spec.transaction.clone());
        if !self.spec.exceptions.is_empty() {
            add("handled", Some(if self.spec.unhandled { "no" } else { "yes" }.to_owned()));
            add("mechanism", Some(mechanism(&self.issue.platform).to_owned()));
        }
        if self.is_browser() {
            let version = 140 + self.visitor() % 4;
            add("browser", Some(format!("Chrome {version}.0.0")));
            add("browser.name", Some("Chrome".to_owned()));
            add("os.name", Some("Android".to_owned()));
        } else {
            let (name, version) = runtime(&self.issue.platform);
            add("runtime", Some(format!("{name} {version}")));
            add("runtime.name", Some(name.to_owned()));
            let slug = self.issue.short_id.rsplit_once('-').map_or("", |(slug, _)| slug);
            let server = format!("{}-{}", slug.to_ascii_lowercase(), self.visitor() % 4);
            add("server_name", Some(server));
        }
        let url = self.spec.request.as_ref().and_then(|request| request.get("url"));
        add("url", url.and_then(Value::as_str).map(str::to_owned));
        if self.issue.users > 0 {
            add("user", Some(format!("id:{}", 20_000 + self.visitor())));
        }
        tags.into_iter()
            .map(|(key, value)| {
                if key == "user" {
                    let id = value.trim_start_matches("id:");
                    json!({ "key": key, "value": value, "query": format!("user.id:\"{id}\"") })
                } else {
                    json!({ "key": key, "value": value })
                }
            })
            .collect()
    }

    pub(super) fn breadcrumbs(&self) -> Option<Value> {
        let crumbs = &self.spec.breadcrumbs;
        if crumbs.is_empty() {
            return None;
        }
        let last = i64::try_from(crumbs.len()).unwrap_or(0);
        let values: Vec<_> = (0i64..)
            .zip(crumbs)
            .map(|(position, (category, level, message))| {
                json!({
                    "type": if category == "http" { "http" } else { "default" },
                    "timestamp": precise_date(self.at - (last - position)),
                    "level": level,
                    "message": message,
                    "category": category,
                    "data": null,
                    "event_id": null,
                })
            })
            .collect();
        Some(json!({ "type": "breadcrumbs", "data": { "values": values } }))
    }

    pub(super) fn request(&self) -> Option<Value> {
        let request = self.spec.request.as_ref()?;
        let data = request.get("data").cloned();
        let agent = if self.is_browser() {
            "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36"
        } else {
            "aurora-storefront/2026.46"
        };
        Some(json!({
            "type": "request",
            "data": {
                "apiTarget": null,
                "method": request.get("method"),
                "url": request.get("url"),
                "query": request.get("query").cloned().unwrap_or_else(|| json!([])),
                "fragment": null,
                "data": data,
                "headers": [
                    ["Accept", "application/json"],
                    ["Content-Type", "application/json"],
                    ["User-Agent", agent],
                    ["X-Request-Id", hex_id(&format!("request {} {}", self.issue.id, self.number))],
                ],
                "cookies": [],
                "env": if self.is_browser() { json!(null) } else { json!({ "SERVER_PORT": "8000" }) },
                "inferredContentType": data.is_some().then_some("application/json"),
            },
        }))
    }
}

/// How the SDK of a platform catches what nobody else caught.
pub(super) fn mechanism(platform: &str) -> &'static str {
    match platform {
        "python" => "django",
        "javascript" => "onunhandledrejection",
        "rust" => "panic",
        "java" => "Spring6ExceptionResolver",
        "ruby" => "rails",
        _ => "generic",
    }
}

fn runtime(platform: &str) -> (&'static str, &'static str) {
    match platform {
        "python" => ("CPython", "3.13.9"),
        "rust" => ("rustc", "1.91.0"),
        "java" => ("Eclipse Adoptium", "25.0.1"),
        "go" => ("go", "go1.25.3"),
        "ruby" => ("ruby", "3.4.7"),
        _ => ("unknown", "0"),
    }
}
