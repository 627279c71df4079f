//! Releases with and without commits and deploys. One release belongs to one project here.

use serde_json::{Value, json};

use crate::data::{BASE_INSTANT, World, date, hex_id, precise_date};

const DAY: i64 = 86_400;

#[derive(Clone, Debug)]
pub(crate) struct Release {
    pub(crate) id: u64,
    pub(crate) version: String,
    /// The project's id.
    pub(crate) project: u64,
    created: i64,
    released: Option<i64>,
    commit: Option<&'static str>,
    deployed_to: Option<&'static str>,
    new_groups: u32,
    has_events: bool,
}

impl Release {
    pub(crate) fn body(&self, world: &World) -> Value {
        let (package, number) = self.version.split_once('@').unwrap_or(("", self.version.as_str()));
        let mut numbers = number.split('.').map(|part| part.parse::<u32>().ok());
        let projects: Vec<_> = world
            .projects
            .iter()
            .filter(|project| project.id == self.project)
            .map(|project| {
                json!({
                    "id": project.id,
                    "slug": project.slug,
                    "name": project.name,
                    "newGroups": self.new_groups,
                    "platform": project.platform,
                    "platforms": [],
                    "hasHealthData": false,
                })
            })
            .collect();
        let author = json!({ "name": "Release Bot", "email": "release-bot@example.test" });
        json!({
            "id": self.id,
            "version": self.version,
            "status": "open",
            "shortVersion": self.version,
            "versionInfo": {
                "package": package,
                "version": {
                    "raw": number,
                    "major": numbers.next().flatten(),
                    "minor": numbers.next().flatten(),
                    "patch": numbers.next().flatten(),
                    "pre": null,
                    "buildCode": null,
                    "components": 3,
                },
                "description": number,
                "buildHash": null,
            },
            "ref": null,
            "url": null,
            "dateReleased": self.released.map(precise_date),
            "dateCreated": precise_date(self.created),
            "data": {},
            "newGroups": self.new_groups,
            "owner": null,
            "commitCount": u32::from(self.commit.is_some()) * 7,
            "lastCommit": self.commit.map(|message| json!({
                "id": format!("{}{}", hex_id(&self.version), "0badc0de"),
                "message": message,
                "dateCreated": date(self.created - 1800),
                "author": author,
                "releases": [],
            })),
            "deployCount": u32::from(self.deployed_to.is_some()),
            "lastDeploy": self.deployed_to.map(|environment| json!({
                "id": (self.id * 10).to_string(),
                "environment": environment,
                "dateStarted": date(self.created + 600),
                "dateFinished": date(self.created + 840),
                "name": format!("{} to {environment}", self.version),
                "url": null,
            })),
            "authors": if self.commit.is_some() { json!([author]) } else { json!([]) },
            "projects": projects,
            "firstEvent": self.has_events.then(|| date(self.created + 900)),
            "lastEvent": self.has_events.then(|| date(BASE_INSTANT - 720)),
            "currentProjectMeta": {},
            "userAgent": null,
        })
    }
}

/// Newest first, as Sentry lists them.
pub(crate) fn releases() -> Vec<Release> {
    const COMMITS: [&str; 6] = [
        "Validate vouchers before the price is fixed",
        "Cache tax tables per region\n\nThe lookup took 40 % of a quote.",
        // The first issue of the data set refers to this one.
        "Shorten the payment provider timeout to 4 s",
        "Bump the SDK",
        "Retry order events on a closed channel",
        "Revert \"Batch stock updates\"",
    ];
    let lines: [(u64, &str, &[&str]); 5] = [
        (
            301,
            "checkout-api",
            &["3.14.2", "3.14.1", "3.14.0", "3.13.4", "3.13.3", "3.13.2", "3.13.1", "3.13.0"],
        ),
        (302, "storefront", &["2026.46.1", "2026.46.0", "2026.45.2", "2026.45.1", "2026.45.0"]),
        (303, "pricing-engine", &["0.9.1", "0.9.0", "0.8.7", "0.8.6"]),
        (304, "order-service", &["5.2.0", "5.1.9", "5.1.8", "5.1.7", "5.1.6"]),
        (306, "back-office", &["11.4.0", "11.3.2", "11.3.1"]),
    ];
    let mut releases = Vec::new();
    for (project, package, versions) in lines {
        for (age, version) in versions.iter().enumerate() {
            let position = releases.len();
            let days = i64::try_from(age).unwrap_or(0) * 6 + 1;
            releases.push(Release {
                id: 7000 + position as u64,
                version: format!("{package}@{version}"),
                project,
                created: BASE_INSTANT - days * DAY - i64::try_from(position).unwrap_or(0) * 60,
                released: (age != 0).then_some(BASE_INSTANT - days * DAY + 3600),
                commit: (position % 3 != 1).then(|| COMMITS.get(position % 6).copied()).flatten(),
                deployed_to: (position % 4 != 3).then_some(if age == 0 {
                    "canary"
                } else {
                    "production"
                }),
                new_groups: u32::try_from((position * 5) % 7).unwrap_or(0),
                has_events: age < 4,
            });
        }
    }
    releases.sort_by_key(|release| std::cmp::Reverse(release.created));
    releases
}
