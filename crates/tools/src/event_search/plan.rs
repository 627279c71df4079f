//! What is really sent for a search: defaults, additions, and everything that can be found
//! wrong without asking. Nothing is changed without a note.

use std::fmt::Write as _;

use search_query::{
    KeyKind, OperatorKind, Query, Term,
    fields::{self, Uses},
    parse,
};
use sentry_client::Slug;

use super::{
    columns::{self, Finding},
    dataset::Dataset,
    names,
};
use crate::{
    error::{Error, Result},
    params::given,
    render::markdown,
    search_text::{self, Warnings, refused::near_function},
    spelling,
};

/// The most columns of one request, by Sentry's documentation of `field`.
const MOST_COLUMNS: usize = 20;

/// A search as a caller wrote it.
pub(crate) struct Asked<'a> {
    pub(crate) dataset: Dataset,
    pub(crate) query: &'a str,
    pub(crate) fields: &'a [String],
    pub(crate) sort: Option<&'a str>,
    pub(crate) environments: &'a [String],
    /// A project that goes into the query, because its id may not be read.
    pub(crate) project_in_query: Option<&'a Slug>,
    /// Whether each row must say which project it belongs to.
    pub(crate) fenced: bool,
}

/// A search as it is sent.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) dataset: Dataset,
    pub(crate) query: String,
    /// Columns; none for replays.
    pub(crate) fields: Vec<String>,
    pub(crate) sort: String,
    /// Whether rows are sums over events and not events.
    pub(crate) aggregate: bool,
    /// Environments that are a parameter of the request, which only replays have.
    pub(crate) environments: Vec<String>,
    /// What the caller did not write, a sentence each.
    pub(crate) additions: Vec<String>,
    /// What is odd about it.
    pub(crate) warnings: Warnings,
}

impl Plan {
    pub(crate) fn of(asked: &Asked<'_>) -> Result<Plan> {
        let mut plan = Plan {
            dataset: asked.dataset,
            query: asked.query.trim().to_owned(),
            fields: Vec::new(),
            sort: String::new(),
            aggregate: false,
            environments: Vec::new(),
            additions: Vec::new(),
            warnings: Warnings::default(),
        };
        let checked = search_text::check(&plan.query, asked.dataset.syntax());
        let mut problems = Vec::new();
        if asked.dataset == Dataset::Replays {
            plan.replays(asked, &mut problems);
        } else {
            plan.columns(asked, &mut problems);
            plan.order(asked, &mut problems);
            plan.required(asked, &mut problems);
        }
        plan.filters(asked, &mut problems);
        match checked {
            Ok(checked) if problems.is_empty() => {
                // With what was added it must still fit.
                search_text::fits(&plan.query)?;
                plan.warnings.add(checked);
                Ok(plan)
            }
            Ok(_) => Err(invalid(&problems)),
            Err(syntax) if problems.is_empty() => Err(syntax),
            Err(syntax) => Err(Error::input(format!("{}\n{syntax}", invalid(&problems)))),
        }
    }

    fn replays(&mut self, asked: &Asked<'_>, problems: &mut Vec<String>) {
        if !asked.fields.is_empty() {
            problems.push("`fields`: replays have no columns to choose: leave it out".to_owned());
        }
        let sort = given(asked.sort).unwrap_or(asked.dataset.facts().sort);
        let base = bare(sort);
        let dataset = asked.dataset.syntax();
        let sorts = || {
            let all =
                fields::fields(dataset).filter(|field| field.uses(dataset).contains(Uses::SORT));
            all.map(|field| field.name)
        };
        if !sorts().any(|known| known == base) {
            let advice = nearest(base, sorts())
                .unwrap_or_else(|| format!("it can be {}", sorts().collect::<Vec<_>>().join(", ")));
            problems.push(format!(
                "`sort`: replays cannot be sorted by {}; {advice}",
                markdown::code(base, 60)
            ));
        }
        sort.clone_into(&mut self.sort);
    }

    fn columns(&mut self, asked: &Asked<'_>, problems: &mut Vec<String>) {
        let facts = asked.dataset.facts();
        if asked.fields.is_empty() {
            self.fields = facts.columns.iter().map(|name| (*name).to_owned()).collect();
            return;
        }
        for field in asked.fields.iter().map(|field| field.trim()) {
            if let Some(why) = names::malformed(field) {
                problems.push(format!("`fields`: {}", self.bad_column(field, why)));
            } else if self.has(field) {
                let field = markdown::code(field, 100);
                self.additions.push(format!("{field} was asked for twice and is sent once."));
            } else {
                self.judge("fields", field, problems);
                self.fields.push(field.to_owned());
            }
        }
        self.aggregate = self.fields.iter().any(|field| names::is_aggregate(field));
    }

    fn bad_column(&self, field: &str, why: &str) -> String {
        let mut text = format!("{} {why}", markdown::code(field, 100));
        let name = field.split(['(', ')']).find(|part| !part.trim().is_empty()).unwrap_or_default();
        if let Some(found) = near_function(self.dataset.syntax(), name)
            .or(fields::function(self.dataset.syntax(), name).map(|known| known.name))
            .filter(|_| field.contains(['(', ')']))
        {
            let _ = write!(text, "; did you mean `{found}()`?");
        }
        text
    }

    /// What the catalogue says of a column that a caller chose.
    fn judge(&mut self, argument: &str, column: &str, problems: &mut Vec<String>) {
        match columns::judge(self.dataset, column) {
            Some(Finding::Wrong(why)) => problems.push(format!("`{argument}`: {why}")),
            Some(Finding::Odd { reason, instead }) => {
                self.warnings.column(column, reason, instead.as_deref());
            }
            None => {}
        }
    }

    fn has(&self, column: &str) -> bool {
        self.fields.iter().any(|field| field == column)
    }

    fn order(&mut self, asked: &Asked<'_>, problems: &mut Vec<String>) {
        let Some(sort) = given(asked.sort) else {
            self.sort = self.usual_order();
            return;
        };
        let base = bare(sort);
        sort.clone_into(&mut self.sort);
        if let Some(why) = names::malformed(base) {
            problems.push(format!("`sort`: {}", self.bad_column(base, why)));
            return;
        }
        let known = |field: &String| field == base || names::alias(field) == base;
        if base.starts_with("equation") || self.fields.iter().any(known) {
            return;
        }
        let computed = names::is_aggregate(base);
        if computed && asked.fields.is_empty() {
            problems.push(format!(
                "`sort`: {} sums up many events, so `fields` must say by what to group them",
                markdown::code(base, 100)
            ));
        } else if self.aggregate && !computed {
            let advice =
                nearest(base, self.fields.iter().map(String::as_str)).unwrap_or_else(|| {
                    let fields: Vec<String> =
                        self.fields.iter().map(|field| markdown::code(field, 100)).collect();
                    format!("it can be {}", fields.join(", "))
                });
            problems.push(format!(
                "`sort`: {} is not in `fields`, and a search with functions can only be sorted by \
                 its columns; {advice}",
                markdown::code(base, 100)
            ));
        } else {
            self.judge("sort", base, problems);
            let note =
                format!("{} was added to the fields, for the sort.", markdown::code(base, 100));
            self.fields.push(base.to_owned());
            self.additions.push(note);
            self.aggregate |= computed;
        }
    }

    /// Newest first; of a search with functions the largest first.
    fn usual_order(&mut self) -> String {
        let usual = self.dataset.facts().sort;
        if self.aggregate {
            let first = self.fields.iter().find(|field| names::function(field).is_some());
            return first.map_or_else(|| "-equation[0]".to_owned(), |field| format!("-{field}"));
        }
        let base = bare(usual);
        if !self.has(base) {
            self.additions.push(format!("`{base}` was added to the fields, for the sort."));
            self.fields.push(base.to_owned());
        }
        usual.to_owned()
    }

    /// Columns that the rows make no sense without, and the bound of all columns.
    fn required(&mut self, asked: &Asked<'_>, problems: &mut Vec<String>) {
        if !self.aggregate {
            for column in asked.dataset.facts().always {
                if !self.has(column) {
                    self.fields.push((*column).to_owned());
                    self.additions.push(format!("`{column}` was added to the fields."));
                }
            }
        }
        if asked.fenced && !self.has("project") {
            self.fields.push("project".to_owned());
            let why = "because this session is limited to one project";
            self.additions.push(format!("`project` was added to the fields, {why}."));
        }
        if self.fields.len() > MOST_COLUMNS {
            problems.push(format!(
                "`fields`: {} columns, with those that were added; Sentry takes at most \
                 {MOST_COLUMNS}",
                self.fields.len()
            ));
        }
    }

    fn filters(&mut self, asked: &Asked<'_>, problems: &mut Vec<String>) {
        let environments: Vec<&str> = asked
            .environments
            .iter()
            .map(|name| name.trim())
            .filter(|name| !name.is_empty())
            .collect();
        if let Some(bad) = environments.iter().find(|name| name.len() > 64) {
            // Sentry refuses longer names when an event arrives.
            let shown = markdown::code(bad, 64);
            problems.push(format!("`environment`: {shown} is longer than 64 characters"));
        }
        let mut filters = Vec::new();
        if self.dataset == Dataset::Replays {
            self.environments = environments.into_iter().map(str::to_owned).collect();
        } else if !environments.is_empty()
            && filters_by_environment(parse(&self.query, self.dataset.syntax()).query())
        {
            self.additions.push(
                "`environment` was left out: the query already filters by environment.".to_owned(),
            );
        } else if !environments.is_empty() {
            filters.push(environment_filter(&environments));
        }
        filters.extend(asked.project_in_query.map(|project| format!("project:{project}")));
        if !filters.is_empty() {
            self.and(&filters.join(" "));
        }
        if asked.project_in_query.is_some() {
            self.additions.push(
                "The token does not tell the project's id, so the query names the project."
                    .to_owned(),
            );
        }
    }

    /// Narrows the query, whatever its alternatives are.
    fn and(&mut self, filter: &str) {
        let has_alternatives = {
            let outcome = parse(&self.query, self.dataset.syntax());
            let is_or =
                |term: &Term<'_>| matches!(term, Term::Operator(it) if it.kind == OperatorKind::Or);
            outcome.query().terms().iter().any(is_or)
        };
        self.query = match self.query.as_str() {
            "" => filter.to_owned(),
            query if has_alternatives => format!("({query}) {filter}"),
            query => format!("{query} {filter}"),
        };
        self.additions.push(format!("{} was added to the query.", markdown::code(filter, 300)));
    }
}

/// An error that names each bad item.
pub(crate) fn invalid(problems: &[String]) -> Error {
    match problems {
        [only] => Error::input(format!("invalid arguments: {only}")),
        all => Error::input(format!("invalid arguments:\n- {}", all.join("\n- "))),
    }
}

/// "did you mean", if something is near.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let found = spelling::nearest(name, known.filter(|known| *known != name))?;
    Some(format!("did you mean {}?", markdown::code(found, 100)))
}

/// A sort without its direction.
pub(crate) fn bare(sort: &str) -> &str {
    sort.strip_prefix('-').unwrap_or(sort)
}

/// Whether every event that a query finds is of environments that it names, or not of them.
fn filters_by_environment(query: &Query<'_>) -> bool {
    query.required().iter().any(|term| match term {
        Term::Filter(filter) => {
            filter.key.name == "environment" && !matches!(filter.key.kind, KeyKind::Flag(_))
        }
        _ => false,
    })
}

fn environment_filter(environments: &[&str]) -> String {
    let quoted: Vec<String> = environments.iter().map(|name| quoted(name)).collect();
    match quoted.as_slice() {
        [only] => format!("environment:{only}"),
        all => format!("environment:[{}]", all.join(",")),
    }
}

/// A value of Sentry's search syntax, in quotes where it needs them.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if value.chars().all(plain) {
        return value.to_owned();
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(dataset: Dataset, fields: &[&str], sort: Option<&str>) -> Result<Plan, String> {
        let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
        let asked = Asked {
            dataset,
            query: "",
            fields: &fields,
            sort,
            environments: &[],
            project_in_query: None,
            fenced: false,
        };
        Plan::of(&asked).map_err(|err| err.to_string())
    }

    fn query(query: &str, environments: &[&str], project: Option<&str>) -> Plan {
        let environments: Vec<String> =
            environments.iter().map(|name| (*name).to_owned()).collect();
        let project = project.map(|project| project.parse().unwrap());
        let asked = Asked {
            dataset: Dataset::Spans,
            query,
            fields: &[],
            sort: None,
            environments: &environments,
            project_in_query: project.as_ref(),
            fenced: false,
        };
        Plan::of(&asked).unwrap()
    }

    #[test]
    fn functions_are_sorted_by_the_first_of_them() {
        let plan = plan(Dataset::Spans, &["span.op", "p95(span.duration)", "count()"], None);
        let plan = plan.unwrap();
        assert_eq!((plan.sort.as_str(), plan.aggregate), ("-p95(span.duration)", true));
        assert!(plan.additions.is_empty());
    }

    #[test]
    fn the_sort_is_added_to_the_fields_and_said() {
        for (fields, sort, added) in [
            (&["title"][..], None, "timestamp"),
            (&["title"], Some("-level"), "level"),
            (&["title", "count()"], Some("-last_seen()"), "last_seen()"),
            (&["title"], Some("count()"), "count()"),
        ] {
            let plan = plan(Dataset::Errors, fields, sort).unwrap();
            assert_eq!(plan.fields.last().map(String::as_str), Some(added));
            assert_eq!(plan.additions.len(), 1);
            assert_eq!(plan.aggregate, plan.fields.iter().any(|field| field.contains('(')));
        }
    }

    #[test]
    fn old_names_and_equations_need_no_addition() {
        for sort in ["-count", "-count()", "-equation[0]", "equation|count() * 2"] {
            let plan = plan(Dataset::Errors, &["title", "count()"], Some(sort)).unwrap();
            assert_eq!((plan.sort.as_str(), plan.fields.len()), (sort, 2));
        }
    }

    #[test]
    fn each_mistake_is_named_with_the_nearest_name() {
        let many: Vec<String> = (0..21).map(|number| format!("field{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        for (dataset, fields, sort, expected) in [
            (Dataset::Errors, &["count_uniq(user"][..], None, "did you mean `count_unique()`?"),
            (Dataset::Errors, &["title", " "], None, "is empty"),
            (Dataset::Errors, &many, None, "22 columns"),
            (Dataset::Errors, &["title", "count()"], Some("-titel"), "did you mean `title`?"),
            (Dataset::Errors, &["level", "count()"], Some("x"), "it can be `level`, `count()`"),
            (Dataset::Errors, &[], Some("-count()"), "by what to group"),
            (Dataset::Errors, &[], Some("count("), "`sort`: `count(` has parentheses"),
            (Dataset::Replays, &[], Some("-count_error"), "did you mean `count_errors`?"),
            (Dataset::Replays, &[], Some("zzz"), "it can be activity, "),
            (Dataset::Errors, &["cuont()"], None, "did you mean `count()`?"),
            (Dataset::Spans, &[], Some("-spam.duration("), "do not match"),
            (Dataset::Replays, &["id"], None, "no columns"),
        ] {
            let message = plan(dataset, fields, sort).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
        let message = plan(Dataset::Logs, &["a(", "b)"], Some("c(")).unwrap_err();
        assert_eq!(message.lines().count(), 4, "{message}");
    }

    #[test]
    fn environments_and_the_project_narrow_every_alternative() {
        for (given, environments, project, expected) in [
            ("", &["prod"][..], None, "environment:prod"),
            ("a", &["prod", "my \"x\""], None, r#"a environment:[prod,"my \"x\""]"#),
            ("a OR b", &["prod"], Some("api"), "(a OR b) environment:prod project:api"),
            ("!environment:dev", &["prod"], None, "!environment:dev"),
            (" a ", &[" "], None, "a"),
            ("\"a or b\"", &["prod"], None, "\"a or b\" environment:prod"),
            ("(a OR b) c", &["prod"], None, "(a OR b) c environment:prod"),
            (
                "message:\"environment:x\"",
                &["prod"],
                None,
                "message:\"environment:x\" environment:prod",
            ),
            ("environment:x OR a", &["prod"], None, "(environment:x OR a) environment:prod"),
        ] {
            let plan = query(given, environments, project);
            assert_eq!(plan.query, expected);
            assert_eq!(plan.additions.is_empty(), environments == [" "], "{given}");
        }
    }

    #[test]
    fn metric_samples_always_have_a_name_and_a_unit() {
        let samples = plan(Dataset::Metrics, &["value", "timestamp"], None).unwrap();
        assert!(samples.has("metric.name") && samples.has("metric.unit"));
        let sums = plan(Dataset::Metrics, &["sum(value,a,counter,-)"], None).unwrap();
        assert_eq!(sums.fields.len(), 1);
    }
}
