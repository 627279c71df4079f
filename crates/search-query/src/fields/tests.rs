//! What the catalogue says about whole queries, as tables.
//!
//! The syntax is tested elsewhere: every query here parses.

use crate::{Dataset, Diagnostic, Severity, parse};

use super::{Closed, DATASETS, Kind, Uses, aggregates, check, field, fields};

fn findings(dataset: Dataset, text: &str) -> Vec<Diagnostic> {
    check(parse(text, dataset).query(), dataset)
}

/// `level: message-free form` of the findings: severity, code, place, and the fixed query.
fn summary(dataset: Dataset, text: &str) -> String {
    let lines: Vec<String> = findings(dataset, text)
        .into_iter()
        .map(|finding| {
            let severity = if finding.is_error() { "error" } else { "warning" };
            let fixed = finding.suggestion.as_ref().map(|fix| format!(" -> {}", fix.apply(text)));
            let place = finding.span.of(text);
            format!("{severity} {} at {place}{}", finding.code, fixed.unwrap_or_default())
        })
        .collect();
    lines.join(" | ")
}

const ACCEPTED: &[(Dataset, &str)] = &[
    (Dataset::Issues, "is:unresolved level:error"),
    (Dataset::Issues, "!is:resolved is:for_review is:escalating is:archived_until_escalating"),
    (Dataset::Issues, "firstSeen:-24h lastSeen:+7d age:-2w age:+30m"),
    (Dataset::Issues, "firstSeen:>2026-01-31 lastSeen:<=2026-01-31T10:00:00Z"),
    (Dataset::Issues, "firstSeen:2026-01-31 event.timestamp:>2026-01-31T10:00:00-07:00"),
    (Dataset::Issues, "timesSeen:>100 timesSeen:<=1k times_seen:[1,2,3] timesSeen:-1"),
    (Dataset::Issues, "assigned:me assigned:#backend assigned_or_suggested:[me,my_teams,none]"),
    (Dataset::Issues, "bookmarks:me subscribed:me assigned:dev@example.test"),
    (Dataset::Issues, "issue.category:error issue.category:Performance issue.priority:high"),
    (
        Dataset::Issues,
        "issue.category:[error,outage,db_query] issue.type:performance_n_plus_one_db_queries",
    ),
    (Dataset::Issues, "issue.seer_actionability:super_high status:unresolved substatus:new"),
    (Dataset::Issues, "release:latest release:[1.0,2.0] release.version:>1.0 release.build:>=200"),
    (Dataset::Issues, "release:frontend@1.2.3+45 firstRelease:latest release.package:com.example"),
    (
        Dataset::Issues,
        "release.stage:adopted error.handled:true error.unhandled:0 stack.in_app:FALSE",
    ),
    (Dataset::Issues, "stack.filename:*/checkout.py stack.lineno:>10 device.class:high"),
    (Dataset::Issues, "has:user !has:release has:my_tag has:tags[level]"),
    (Dataset::Issues, "customer:acme user_id:7 env:prod tier:gold session_id:x region:eu"),
    (Dataset::Issues, "tags[levle]:x tags[timesSeen]:abc flags[new_checkout]:true"),
    (Dataset::Issues, "level:[error,fatal] level:* level:\"\" !level:info level:err*"),
    (
        Dataset::Issues,
        "http.status_code:500 http.status_code:5* message:\"a b\" user.email:a@example.test",
    ),
    (Dataset::Errors, "is:unresolved is:archived count():>5 p95(measurements.lcp):>2s"),
    (
        Dataset::Errors,
        "trace:0123456789abcdef0123456789abcdef id:01234567-89ab-cdef-0123-456789abcdef",
    ),
    (Dataset::Errors, "timestamp:>2026-01-31 timestamp:-24h last_seen():>2026-01-31"),
    (Dataset::Errors, "count_unique(user):>10 count_if(level,equals,error):>1 failure_rate():>5%"),
    (Dataset::Errors, "count_unique_if(a,b):>1 error.type:[ValueError,TypeError] platform:python"),
    (Dataset::Spans, "span.duration:>500ms span.self_time:>1.5s span.duration:>500 span.op:db*"),
    (Dataset::Spans, "p95(span.duration):>500ms avg():>1s p75(measurements.lcp):>2500 count():>1k"),
    (Dataset::Spans, "sum(gen_ai.usage.total_tokens):>1m count_unique(user.id):>5 epm():>1"),
    (
        Dataset::Spans,
        "is_transaction:true cache.hit:false cache.item_size:>10kb http.status_code:>=500",
    ),
    (Dataset::Spans, "http.response.status_code:500 my.attribute:x tags[size,number]:>5"),
    (Dataset::Spans, "trace:[0123456789abcdef0123456789abcdef] parent_span:0123456789abcdef"),
    (Dataset::Spans, "measurements.my_own:>5kb measurements.my_time:<2s measurements.my_count:7"),
    (Dataset::Spans, "p99_if(span.op,span.duration):>5 count_sample():>1"),
    (Dataset::Logs, "severity:error severity:[warn,error] severity_number:>=17 message:*timeout*"),
    (Dataset::Logs, "avg(severity_number):>3 count(message):>4 message.parameter.0:x"),
    (Dataset::Metrics, "metric.name:checkout.failed metric.type:counter value:>5"),
    (Dataset::Metrics, "sum(value,queue.time,distribution,-):>5 per_second(value,a,counter,-):>1"),
    (Dataset::Profiles, "profile.duration:>10ms transaction:/api/* p95(transaction.duration):>1s"),
    (
        Dataset::Replays,
        "count_errors:>0 duration:>30s duration:>30 is_archived:false seen_by_me:true",
    ),
    (Dataset::Replays, "click.selector:\"button[role=x]\" user.email:a@example.test activity:>3"),
];

#[test]
fn nothing_is_said_about_queries_that_sentry_accepts() {
    for (dataset, text) in ACCEPTED {
        assert_eq!(summary(*dataset, text), "", "{dataset}: {text}");
    }
}

const REFUSED: &[(Dataset, &str, &str)] = &[
    (Dataset::Issues, "timesSeen:>abc", "error invalid-number at abc"),
    (Dataset::Issues, "timesSeen:>5ms", "error invalid-number at 5ms"),
    (Dataset::Issues, "timesSeen:\"10\"", "error invalid-number at \"10\" -> timesSeen:10"),
    (Dataset::Issues, "timesSeen:1_000", "error invalid-number at 1_000 -> timesSeen:1000"),
    (Dataset::Issues, "timesSeen:true", "error invalid-number at true"),
    (Dataset::Issues, "timesSeen:2026-01-31", "error invalid-number at 2026-01-31"),
    (Dataset::Issues, "timesSeen:[1,x]", "error invalid-number at x"),
    (Dataset::Issues, "!timesSeen:*", "error invalid-number at * -> !has:timesSeen"),
    (Dataset::Issues, "firstSeen:yesterday", "error invalid-date at yesterday"),
    (Dataset::Issues, "firstSeen:24h", "error invalid-date at 24h -> firstSeen:-24h"),
    (Dataset::Issues, "age:>24h", "error invalid-date at 24h -> age:+24h"),
    (Dataset::Issues, "age:<24h", "error invalid-date at 24h -> age:-24h"),
    (Dataset::Issues, "firstSeen:>-24h", "error invalid-date at >-24h -> firstSeen:-24h"),
    (Dataset::Issues, "lastSeen:<-7d", "error invalid-date at <-7d -> lastSeen:+7d"),
    (Dataset::Issues, "!age:-24h", "error negated-date at !age:-24h -> age:+24h"),
    (
        Dataset::Issues,
        "!firstSeen:>2026-01-31",
        "error negated-date at !firstSeen:>2026-01-31 -> firstSeen:<=2026-01-31",
    ),
    (Dataset::Issues, "!firstSeen:2026-01-31", "error negated-date at !firstSeen:2026-01-31"),
    (
        Dataset::Issues,
        "firstSeen:\"2026-01-31\"",
        "error invalid-date at \"2026-01-31\" -> firstSeen:2026-01-31",
    ),
    (Dataset::Issues, "firstSeen:2026-02-30", "error invalid-date at 2026-02-30"),
    (
        Dataset::Issues,
        "firstSeen:>2026-01-31T10:00",
        "error invalid-date at 2026-01-31T10:00 -> firstSeen:>2026-01-31T10:00:00",
    ),
    (
        Dataset::Issues,
        "firstSeen:[2026-01-31,2026-02-01]",
        "error invalid-date at [2026-01-31,2026-02-01]",
    ),
    (Dataset::Issues, "is:open", "error invalid-value at open -> is:unresolved"),
    (Dataset::Issues, "is:Unresolved", "error invalid-value at Unresolved -> is:unresolved"),
    (Dataset::Issues, "is:unresovled", "error invalid-value at unresovled -> is:unresolved"),
    (Dataset::Issues, "!is:closed", "error invalid-value at closed -> !is:resolved"),
    (Dataset::Issues, "is:unhandled", "error invalid-value at unhandled -> error.unhandled:true"),
    (Dataset::Issues, "is:mine", "error invalid-value at mine -> assigned:me"),
    (Dataset::Issues, "is:purple", "error invalid-value at purple"),
    (
        Dataset::Issues,
        "issue.priority:urgent",
        "error invalid-value at urgent -> issue.priority:high",
    ),
    (Dataset::Issues, "issue.category:eror", "error invalid-value at eror -> issue.category:error"),
    (Dataset::Issues, "issue.category:err*", "error invalid-value at err*"),
    (
        Dataset::Issues,
        "issue.priority:[high,meduim]",
        "error invalid-value at meduim -> issue.priority:[high,medium]",
    ),
    (Dataset::Issues, "substatus:open", "error invalid-value at open"),
    (Dataset::Issues, "release.stage:gone", "error invalid-value at gone"),
    (Dataset::Issues, "error.handled:maybe", "error invalid-boolean at maybe"),
    (Dataset::Issues, "error.handled:no", "error invalid-boolean at no -> error.handled:false"),
    (
        Dataset::Issues,
        "error.handled:\"true\"",
        "error invalid-boolean at \"true\" -> error.handled:true",
    ),
    (Dataset::Issues, "error.handled:>0", "error invalid-operator at >"),
    (Dataset::Issues, "stack.lineno:abc", "error invalid-number at abc"),
    (Dataset::Errors, "is:assigned", "error invalid-value at assigned"),
    (Dataset::Errors, "trace:abc", "error invalid-value at abc"),
    (Dataset::Errors, "id:[0123456789abcdef0123456789abcdef,x]", "error invalid-value at x"),
    (
        Dataset::Errors,
        "bogus_function(level):>1",
        "error unknown-function at bogus_function(level)",
    ),
    (
        Dataset::Errors,
        "count_uniqe(user):>1",
        "error unknown-function at count_uniqe(user) -> count_unique(user):>1",
    ),
    (Dataset::Errors, "COUNT():>1", "error unknown-function at COUNT() -> count():>1"),
    (Dataset::Errors, "count_unique():>1", "error aggregate-arguments at count_unique()"),
    (Dataset::Errors, "count():>5s", "error aggregate-value at 5s"),
    (Dataset::Spans, "span.duration:slow", "error invalid-duration at slow"),
    (
        Dataset::Spans,
        "span.duration:>500msec",
        "error invalid-duration at 500msec -> span.duration:>500ms",
    ),
    (
        Dataset::Spans,
        "span.duration:>2seconds",
        "error invalid-duration at 2seconds -> span.duration:>2s",
    ),
    (
        Dataset::Spans,
        "span.duration:[1s,2s]",
        "error invalid-duration at 1s -> span.duration:[1s,2s]",
    ),
    (Dataset::Spans, "avg(span.op):>5", "error aggregate-arguments at span.op"),
    (
        Dataset::Spans,
        "measurements.frames_slow_rate:>5%",
        "error invalid-number at 5% -> measurements.frames_slow_rate:>0.05",
    ),
    (Dataset::Spans, "tags[size,number]:big", "error invalid-number at big"),
    (Dataset::Spans, "measurements.my_own:big", "error invalid-number at big"),
    (Dataset::Spans, "parent_span:xyz", "error invalid-value at xyz"),
    (Dataset::Logs, "severity_number:high", "error invalid-number at high"),
    (Dataset::Metrics, "value:lots", "error invalid-number at lots"),
    (Dataset::Replays, "count_errors:many", "error invalid-number at many"),
    (Dataset::Replays, "duration:long", "error invalid-duration at long"),
    (Dataset::Replays, "id:x", "error invalid-value at x"),
];

#[test]
fn what_sentry_refuses_is_an_error_with_the_fix_where_it_is_clear() {
    for (dataset, text, expected) in REFUSED {
        assert_eq!(summary(*dataset, text), *expected, "{dataset}: {text}");
    }
}

const SUSPICIOUS: &[(Dataset, &str, &str)] = &[
    (Dataset::Issues, "levle:error", "warning near-miss-field at levle -> level:error"),
    (Dataset::Issues, "!Level:error", "warning near-miss-field at Level -> !level:error"),
    (Dataset::Issues, "firstseen:-24h", "warning near-miss-field at firstseen -> firstSeen:-24h"),
    (Dataset::Issues, "has:relase", "warning near-miss-field at relase -> has:release"),
    (Dataset::Issues, "levle:a levle:b", "warning near-miss-field at levle -> level:a levle:b"),
    (Dataset::Issues, "level:warn", "warning invalid-value at warn -> level:warning"),
    (Dataset::Issues, "level:critical", "warning invalid-value at critical -> level:fatal"),
    (Dataset::Issues, "level:Error", "warning invalid-value at Error -> level:error"),
    (Dataset::Issues, "level:purple", "warning invalid-value at purple"),
    (Dataset::Issues, "level:>error", "warning invalid-operator at >"),
    (Dataset::Issues, "issue.type:new_kind_of_issue", "warning invalid-value at new_kind_of_issue"),
    (Dataset::Issues, "assigned:@me", "warning invalid-value at @me -> assigned:me"),
    (Dataset::Issues, "assigned:nobody", "warning invalid-value at nobody -> assigned:none"),
    (Dataset::Issues, "release:>1.0", "warning invalid-operator at > -> release.version:>1.0"),
    (
        Dataset::Issues,
        "http.status_code:>=500",
        "warning invalid-operator at >= -> http.status_code:5*",
    ),
    (Dataset::Issues, "trace:abc", "warning invalid-value at abc"),
    (Dataset::Errors, "firstSeen:-24h", "warning near-miss-field at firstSeen"),
    (Dataset::Errors, "timesSeen:>5", "warning near-miss-field at timesSeen"),
    (Dataset::Errors, "span.op:db", "warning near-miss-field at span.op"),
    (Dataset::Errors, "count(user):>5", "warning aggregate-arguments at count(user)"),
    (Dataset::Errors, "user_misery():>5", "warning unknown-function at user_misery()"),
    (Dataset::Spans, "duration:>1s", "warning near-miss-field at duration -> span.duration:>1s"),
    (
        Dataset::Spans,
        "p95(span.duratoin):>1s",
        "warning near-miss-field at span.duratoin -> p95(span.duration):>1s",
    ),
    (
        Dataset::Spans,
        "is_transaction:true span.statsu:ok",
        "warning near-miss-field at span.statsu -> is_transaction:true span.status:ok",
    ),
    (Dataset::Logs, "level:error", "warning near-miss-field at level -> severity:error"),
    (Dataset::Logs, "severity:warning", "warning invalid-value at warning -> severity:warn"),
    (Dataset::Metrics, "metric.type:histogram", "warning invalid-value at histogram"),
    (
        Dataset::Replays,
        "countErrors:>1",
        "warning near-miss-field at countErrors -> count_errors:>1",
    ),
    (Dataset::Profiles, "timestamp:-1h span.op:db", "warning near-miss-field at span.op"),
];

#[test]
fn what_probably_means_something_else_is_a_warning() {
    for (dataset, text, expected) in SUSPICIOUS {
        assert_eq!(summary(*dataset, text), *expected, "{dataset}: {text}");
    }
}

#[test]
fn a_fix_that_is_offered_for_a_value_is_accepted() {
    for (dataset, text) in [
        (Dataset::Issues, "firstSeen:24h"),
        (Dataset::Issues, "!age:-24h"),
        (Dataset::Issues, "is:closed"),
        (Dataset::Issues, "is:mine"),
        (Dataset::Issues, "firstSeen:>\"2026-01-31 10:00:00\""),
        (Dataset::Issues, "error.handled:=true"),
        (Dataset::Spans, "span.duration:>5seconds"),
        (Dataset::Spans, "cache.item_size:>5byte"),
        (Dataset::Spans, "measurements.stall_percentage:>5%"),
    ] {
        let fix = findings(dataset, text).remove(0).suggestion;
        let fixed = fix.map(|fix| fix.apply(text)).unwrap_or_default();
        assert_ne!(fixed, "", "{text}");
        assert_eq!(summary(dataset, &fixed), "", "{fixed}");
    }
}

#[test]
fn messages_are_fragments_that_name_the_field() {
    for (dataset, text, expected) in [
        (
            Dataset::Issues,
            "levle:error",
            "`levle` is no field of issues, so it is searched as a tag: did you mean `level`?",
        ),
        (
            Dataset::Issues,
            "timesSeen:x",
            "`timesSeen` takes a number, such as `100` or `10k`, not `x`",
        ),
        (
            Dataset::Issues,
            "issue.priority:x",
            "`x` is no value of `issue.priority`: there are `high`, `medium`, `low`",
        ),
        (
            Dataset::Spans,
            "count_unique():>1",
            "`count_unique` takes an argument: `count_unique(field)`",
        ),
        (
            Dataset::Errors,
            "timesSeen:>5",
            "`timesSeen` is a field of issues; in errors it is searched as a tag; use `count()`, or search the issues",
        ),
    ] {
        assert_eq!(findings(dataset, text).remove(0).message, expected);
    }
}

#[test]
fn a_generated_query_is_checked_in_bounded_time_and_words() {
    let names: String = (0..20_000).map(|n| format!("levlx{n}:1")).collect::<Vec<_>>().join(" ");
    assert!(findings(Dataset::Spans, &names).len() <= 64);
    let values = "timesSeen:x ".repeat(20_000);
    assert_eq!(findings(Dataset::Issues, &values).len(), 50);
}

#[test]
fn a_name_is_listed_once_per_dataset() {
    for dataset in DATASETS {
        let mut names: Vec<&str> = fields(dataset).map(|field| field.name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all, "{dataset} lists a field twice");
        let mut functions: Vec<&str> = aggregates(dataset).iter().map(|f| f.name).collect();
        functions.sort_unstable();
        let all = functions.len();
        functions.dedup();
        assert_eq!(functions.len(), all, "{dataset} lists a function twice");
    }
}

#[test]
fn the_catalogue_is_consistent() {
    for dataset in DATASETS {
        assert!(fields(dataset).count() > 20, "{dataset}");
        for known in fields(dataset) {
            assert!(known.uses(dataset).contains(Uses::FILTER), "{}", known.name);
            assert!(known.closed == Closed::No || !known.values.is_empty(), "{}", known.name);
            assert!(known.values.is_empty() || known.kind == Kind::Text, "{}", known.name);
            assert!(!known.about.ends_with('.') && known.about.len() <= 60, "{}", known.name);
            assert!(!known.name.contains(' '), "{}", known.name);
        }
        for function in aggregates(dataset) {
            let optional: Vec<bool> = function.arguments.iter().map(|a| a.optional).collect();
            assert!(
                optional.is_sorted(),
                "{} needs an argument after an optional one",
                function.name
            );
        }
    }
}

#[test]
fn a_known_field_is_no_near_miss() {
    for dataset in DATASETS {
        for known in fields(dataset) {
            assert!(field(dataset, known.name).is_some());
        }
    }
}

#[test]
fn issues_filter_and_replays_sort_by_some() {
    let uses = |dataset, name| field(dataset, name).map(|known| known.uses(dataset));
    assert_eq!(uses(Dataset::Issues, "level"), Some(Uses::FILTER));
    assert_eq!(uses(Dataset::Errors, "level"), Some(Uses::ALL));
    assert_eq!(uses(Dataset::Replays, "duration"), Some(Uses::FILTER | Uses::SORT));
    assert_eq!(uses(Dataset::Replays, "click.tag"), Some(Uses::FILTER));
    assert_eq!(
        fields(Dataset::Replays).filter(|f| f.uses(Dataset::Replays).contains(Uses::SORT)).count(),
        25
    );
}

#[test]
fn severities_are_what_the_table_says() {
    let severity = |text| findings(Dataset::Issues, text).first().map(|finding| finding.severity);
    assert_eq!(severity("is:open"), Some(Severity::Error));
    assert_eq!(severity("levle:x"), Some(Severity::Warning));
    assert_eq!(severity("level:error"), None);
}
