//! A short guide to Sentry's search syntax, one per dataset, made for a model. It is part of
//! the system prompt, and the answer where no provider is set. It holds no text from events.

use search_query::Dataset;

/// How to write a query for a dataset: the syntax, the fields, the functions, examples. At
/// most 600 tokens, as Markdown-free lines.
pub fn syntax_guide(dataset: Dataset) -> String {
    format!("{}\n{}", syntax(dataset), facts(dataset))
}

/// What holds for all fields of a dataset.
pub(crate) fn syntax(dataset: Dataset) -> String {
    let joining = if dataset.allows_boolean() {
        "Terms are joined by AND; `OR` and parentheses are allowed: `(level:error OR level:fatal) has:url`."
    } else {
        "Terms are joined by AND. `AND`, `OR` and parentheses are refused: use `key:[a,b]` for \
         any of several values, or several searches."
    };
    let aggregates = if dataset.allows_aggregates() {
        "\nConditions on functions go into the query too, if the function is a column: `count():>100`."
    } else {
        ""
    };
    format!(
        "Sentry's search syntax (not SQL, not Lucene):\n\
         `key:value`; quote a value with spaces or special characters: `transaction:\"GET /cart\"`.\n\
         `!key:value` excludes; `has:key` and `!has:key` ask whether there is a value.\n\
         `key:[a,b]` is any of these; `*` stands for any text: `message:*timeout*`.\n\
         Numbers, durations and dates compare: `key:>10`, `key:<=500ms`, `key:-24h` (within the \
         last day), `key:+7d` (before that), `key:>2026-01-31`.\n\
         {joining}{aggregates}\n\
         A custom tag is a key like any other; `tags[name]:value` if the name is also a field.\n\
         Other words are searched in `{}`. Time range and order are separate parameters, \
         never part of the query.",
        dataset.free_text_field(),
    )
}

/// Fields, functions and examples of a dataset.
pub(crate) fn facts(dataset: Dataset) -> &'static str {
    match dataset {
        Dataset::Issues => ISSUES,
        Dataset::Errors => ERRORS,
        Dataset::Spans => SPANS,
        Dataset::Logs => LOGS,
        Dataset::Metrics => METRICS,
        Dataset::Profiles => PROFILES,
        Dataset::Replays => REPLAYS,
    }
}

const ISSUES: &str = "\
Dataset issues: groups of similar events.\n\
`is:` unresolved, resolved, ignored, for_review, new, regressed, escalating, \
assigned, unassigned.\n\
`assigned:` and `assigned_or_suggested:` take me, my_teams, none, #team-slug, or an \
address. `bookmarks:me`.\n\
`level:` fatal, error, warning, info, debug. `issue.priority:` high, medium, low. \
`issue.category:` error, performance, feedback, outage.\n\
Counts and times: timesSeen, userCount, firstSeen, lastSeen, age: `timesSeen:>100`, \
`firstSeen:-7d`.\n\
Of the events: release (`release:latest`), environment, platform, transaction, \
error.type, error.unhandled, user.email, url, stack.filename, os.name, browser.name.\n\
Sort: date (last seen), freq (events), new (first seen), user (users).\n\
Examples:\n\
unresolved crashes of the last day that hit many users, sorted by user: \
`is:unresolved error.unhandled:true lastSeen:-24h userCount:>50`\n\
new issues of my teams in the newest release: \
`is:unresolved assigned_or_suggested:my_teams firstSeen:-7d release:latest`";

const ERRORS: &str = "\
Dataset errors: single error events.\n\
Fields: message, title, level, error.type, error.value, error.handled, culprit, \
transaction, url, stack.filename, stack.function, stack.module, issue, os.name, \
browser.name, device.family, user.id, user.email, release, environment, platform, \
project, timestamp, trace.\n\
Functions: count(), count_unique(field), count_if(field,equals,value), \
last_seen(), eps(), epm().\n\
With a function among the columns, rows are grouped by the other columns: columns \
`error.type`, `count()`, sort `-count()`. Without one, each row is an event, \
usually sorted by `-timestamp`.\n\
Examples:\n\
which errors are most frequent in production: query `environment:production`, \
columns `title`, `count()`, `count_unique(user)`, sort `-count()`\n\
unhandled type errors on the checkout page: \
`error.handled:false error.type:TypeError url:*checkout*`";

const SPANS: &str = "\
Dataset spans: timed operations in traces; requests, queries, AI and MCP calls.\n\
Fields: span.op, span.description, span.duration, span.self_time, span.status, \
transaction, is_transaction, trace, http.method, http.status_code, http.url, \
db.system, gen_ai.request.model, gen_ai.tool.name, \
gen_ai.usage.input_tokens, gen_ai.usage.output_tokens, mcp.method.name, \
measurements.lcp, measurements.cls, measurements.inp, measurements.fcp, \
measurements.ttfb, release, environment, project, timestamp.\n\
Functions: count(), count_unique(f), avg(f), sum(f), min(f), max(f), p50(f), p75(f), \
p95(f), p99(f), epm(), failure_rate(). With one among the columns, rows are grouped \
by the other columns.\n\
Web vitals are in ms but cls; a poor lcp is over 4000, inp over 500, cls over 0.25.\n\
Examples:\n\
slow database queries: `span.op:db* span.duration:>1s`, sort `-span.duration`\n\
slowest pages: query `is_transaction:true`, columns `transaction`, \
`p75(span.duration)`, `count()`, sort `-p75(span.duration)`\n\
tokens per model: query `has:gen_ai.request.model`, columns \
`gen_ai.request.model`, `sum(gen_ai.usage.input_tokens)`";

const LOGS: &str = "\
Dataset logs: log lines.\n\
Fields: message, severity (trace, debug, info, warn, error, fatal), \
severity_number, trace, release, environment, project, timestamp, and whatever \
attributes the application adds.\n\
Functions: count(), count_unique(f), avg(f), sum(f), min(f), max(f), p50(f), p75(f), \
p90(f), p95(f), p99(f), epm(). With one among the columns, rows are grouped by the \
other columns.\n\
Examples:\n\
errors that mention a timeout: `severity:error message:*timeout*`, sort `-timestamp`\n\
which messages repeat: query `severity:[error,fatal]`, columns `message`, `count()`, \
sort `-count()`";

const METRICS: &str = "\
Dataset metrics: numbers that applications send.\n\
Fields: metric.name, metric.type (counter, gauge, distribution), metric.unit, \
value, trace, span_id, release, environment, project, timestamp, and attributes.\n\
Functions name the metric: f(value,NAME,TYPE,UNIT), with `-` for no unit: \
`sum(value,orders.created,counter,-)`, `p95(value,queue.wait,distribution,millisecond)`; \
also avg, min, max, count, p50, p75, p90, p99, per_second, per_minute.\n\
Examples:\n\
orders by country: query `metric.name:orders.created`, columns `country`, \
`sum(value,orders.created,counter,-)`\n\
the last values of a gauge: `metric.name:queue.depth`, columns `timestamp`, `value`, \
sort `-timestamp`";

const PROFILES: &str = "\
Dataset profiles: sampled profiles of transactions.\n\
Fields: profile.id, profiler.id, transaction, transaction.duration and \
profile.duration (nanoseconds), trace, release, environment, project, \
platform.name, device.model, device.classification, device.arch, timestamp.\n\
Functions: count(), avg(f), min(f), max(f), sum(f), p50(f), p75(f), p90(f), p95(f), \
p99(f). With one among the columns, rows are grouped by the other columns.\n\
Examples:\n\
profiles of the checkout: `transaction:*checkout*`, sort `-timestamp`\n\
what is profiled most: columns `transaction`, `count()`, sort `-count()`";

const REPLAYS: &str = "\
Dataset replays: recorded sessions of users. They are listed, never counted or \
grouped; there are no columns to choose.\n\
Fields: activity, duration (seconds), count_errors, count_dead_clicks, \
count_rage_clicks, count_segments, count_urls, url, user.id, user.email, user.ip, \
user.username, browser.name, os.name, device.family, error_ids, trace, release, \
environment, platform, is_archived, seen_by_me, viewed_by_me, click.label, \
click.selector, click.textContent, dead.selector, rage.selector.\n\
Sort: started_at, finished_at, duration, activity, or a count; `-` for the largest \
first.\n\
Examples:\n\
sessions in which people were angry at the checkout: \
`count_rage_clicks:>0 url:*checkout*`, sort `-count_rage_clicks`\n\
long sessions with errors: `duration:>300 count_errors:>0`, sort `-started_at`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guide_is_short_and_of_its_dataset() {
        for dataset in Dataset::ALL {
            let guide = syntax_guide(dataset);
            // Identifiers make 3.3 characters a token, measured with the estimate of `tools`.
            assert!(guide.len() < 1_950, "{dataset}: {} bytes", guide.len());
            assert!(guide.contains(&format!("Dataset {dataset}: ")), "{guide}");
        }
    }

    /// The names in a line, without what is said of them in parentheses or backticks.
    fn listed(list: &str) -> Vec<String> {
        let mut outside = String::new();
        let (mut depth, mut code) = (0, false);
        for c in list.chars() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                '`' => code = !code,
                c if depth == 0 && !code => outside.push(c),
                _ => {}
            }
        }
        let first = outside.split(". ").next().unwrap_or_default();
        let names =
            first.split([',', ':']).map(|name| name.trim().trim_end_matches('.').to_owned());
        names.filter(|name| !name.is_empty() && !name.contains(' ')).collect()
    }

    #[test]
    fn every_field_and_function_of_a_guide_is_known() {
        use search_query::fields::{field, function};
        for dataset in Dataset::ALL {
            let (mut fields, mut functions) = (0, 0);
            for (label, list) in facts(dataset).lines().filter_map(|line| line.split_once(": ")) {
                for name in listed(list) {
                    if matches!(label, "Fields" | "Counts and times" | "Of the events") {
                        assert!(field(dataset, &name).is_some(), "{dataset}: field {name}");
                        fields += 1;
                    } else if label == "Functions" {
                        assert!(function(dataset, &name).is_some(), "{dataset}: function {name}");
                        functions += 1;
                    }
                }
            }
            assert!(fields > 7, "{dataset}: {fields} fields");
            let grouped = dataset.allows_aggregates() && dataset != Dataset::Metrics;
            assert_eq!(functions > 4, grouped, "{dataset}: {functions} functions");
        }
    }

    #[test]
    fn every_query_in_an_example_is_valid() {
        for dataset in Dataset::ALL {
            let (_, examples) = facts(dataset).split_once("Examples:\n").unwrap();
            for line in examples.lines() {
                let quoted = line.split('`').skip(1).step_by(2);
                let queries: Vec<&str> = if line.contains("query `") {
                    line.split("query `").skip(1).filter_map(|it| it.split('`').next()).collect()
                } else if line.contains(": columns") {
                    Vec::new()
                } else {
                    quoted.take(1).collect()
                };
                for query in queries {
                    let checked = crate::check::query(query, dataset);
                    let warnings = checked.map(|checked| checked.warnings);
                    assert_eq!(warnings, Ok(Vec::new()), "{dataset}: {query}");
                }
            }
        }
    }

    #[test]
    fn issues_are_told_that_operators_are_refused() {
        assert!(syntax_guide(Dataset::Issues).contains("`OR` and parentheses are refused"));
        assert!(syntax_guide(Dataset::Spans).contains("`count():>100`"));
    }
}
