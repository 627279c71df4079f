//! Projects and their client keys. Creates no issues and no releases.

use serde_json::{Value, json};

use crate::data::{BASE_INSTANT, World, date, hex_id, letter_avatar, precise_date};

const DAY: i64 = 86_400;

#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) id: u64,
    pub(crate) slug: String,
    pub(crate) name: String,
    /// Slugs it had before; requests for them are redirected.
    pub(crate) old_slugs: Vec<String>,
    pub(crate) organization: usize,
    /// Positions in [`World::teams`].
    pub(crate) teams: Vec<usize>,
    pub(crate) platform: Option<String>,
    pub(crate) keys: Vec<Key>,
    pub(crate) created: i64,
    pub(crate) has_events: bool,
    pub(crate) bookmarked: bool,
}

impl Project {
    /// The four fields inside issues.
    pub(crate) fn reference(&self) -> Value {
        json!({
            "id": self.id.to_string(),
            "name": self.name,
            "slug": self.slug,
            "platform": self.platform,
        })
    }

    /// The form inside a team and after creation.
    pub(crate) fn body(&self) -> Value {
        json!({
            "id": self.id.to_string(),
            "slug": self.slug,
            "name": self.name,
            "platform": self.platform,
            "dateCreated": precise_date(self.created),
            "isBookmarked": self.bookmarked,
            "isMember": true,
            "features": [
                "alert-filters", "custom-inbound-filters", "data-forwarding", "minidump",
                "race-free-group-creation", "rate-limits", "releases",
            ],
            "firstEvent": self.has_events.then(|| precise_date(self.created + DAY)),
            "firstTransactionEvent": self.has_events,
            "access": ["event:read", "event:write", "project:read", "project:write", "team:read"],
            "hasAccess": true,
            "hasMinifiedStackTrace": false,
            "hasMonitors": false,
            "hasProfiles": false,
            "hasReplays": self.slug == "storefront",
            "hasFeedbacks": self.slug == "storefront",
            "hasSessions": false,
            "isInternal": false,
            "isPublic": false,
            "avatar": letter_avatar(),
            "color": "#bf6c3f",
            "status": "active",
        })
    }

    /// An element of the organization's list.
    pub(crate) fn list_body(&self, world: &World) -> Value {
        let mut body = self.body();
        self.add_teams(world, &mut body);
        if let Value::Object(fields) = &mut body {
            let environments = world.environments_of(self);
            fields.insert("environments".to_owned(), json!(environments));
            fields.insert("platforms".to_owned(), json!([]));
            fields.insert("eventProcessing".to_owned(), json!({ "symbolicationDegraded": false }));
            fields.insert("hasUserReports".to_owned(), json!(false));
            fields.insert("latestDeploys".to_owned(), Value::Null);
        }
        body
    }

    /// `GET /projects/{org}/{project}/`.
    pub(crate) fn detail(&self, world: &World) -> Value {
        let mut body = self.body();
        self.add_teams(world, &mut body);
        let organization =
            world.organizations.get(self.organization).map(|organization| organization.body(world));
        if let (Value::Object(fields), Value::Object(extra)) = (
            &mut body,
            json!({
                "organization": organization,
                "options": { "sentry:csp_ignored_sources_defaults": true, "feedback:branding": true },
                "digestsMinDelay": 300,
                "digestsMaxDelay": 1800,
                "subjectPrefix": "[Sentry]",
                "allowedDomains": ["*"],
                "resolveAge": 0,
                "dataScrubber": true,
                "dataScrubberDefaults": true,
                "safeFields": [],
                "sensitiveFields": [],
                "subjectTemplate": "$shortID - $title",
                "verifySSL": false,
                "scrubIPAddresses": false,
                "scrapeJavaScript": true,
                "highlightTags": ["handled", "level", "release", "environment"],
                "groupingConfig": "newstyle:2026-01-20",
                "plugins": [],
                "platforms": [],
                "processingIssues": 0,
                "defaultEnvironment": null,
                "eventProcessing": { "symbolicationDegraded": false },
                "symbolSources": "[]",
            }),
        ) {
            fields.extend(extra);
        }
        body
    }

    fn add_teams(&self, world: &World, body: &mut Value) {
        let teams: Vec<_> = self
            .teams
            .iter()
            .filter_map(|team| world.teams.get(*team))
            .map(crate::data::Team::reference)
            .collect();
        let latest = world
            .releases
            .iter()
            .find(|release| release.project == self.id)
            .map(|release| json!({ "version": release.version }));
        if let Value::Object(fields) = body {
            fields.insert("team".to_owned(), teams.first().cloned().unwrap_or(Value::Null));
            fields.insert("teams".to_owned(), Value::Array(teams));
            fields.insert("latestRelease".to_owned(), latest.unwrap_or(Value::Null));
        }
    }
}

impl World {
    /// The environments that a project has sent events from.
    pub(crate) fn environments_of(&self, project: &Project) -> Vec<&'static str> {
        if !project.has_events {
            return Vec::new();
        }
        self.organizations
            .get(project.organization)
            .map(|organization| organization.environments.to_vec())
            .unwrap_or_default()
    }
}

/// A client key: where an SDK sends its events.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) public: String,
    pub(crate) name: String,
    pub(crate) active: bool,
    pub(crate) created: i64,
}

impl Key {
    pub(crate) fn new(project: u64, name: &str, created: i64) -> Self {
        Self {
            public: hex_id(&format!("key {project} {name} {created}")),
            name: name.to_owned(),
            active: true,
            created,
        }
    }

    pub(crate) fn body(&self, project: u64, host: &str) -> Value {
        let public = &self.public;
        let secret = hex_id(&format!("secret {public}"));
        json!({
            "id": public,
            "name": self.name,
            "label": self.name,
            "public": public,
            "secret": secret,
            "projectId": project,
            "isActive": self.active,
            "rateLimit": null,
            "dsn": {
                "secret": format!("http://{public}:{secret}@{host}/{project}"),
                "public": format!("http://{public}@{host}/{project}"),
                "csp": format!("http://{host}/api/{project}/csp-report/?sentry_key={public}"),
                "security": format!("http://{host}/api/{project}/security/?sentry_key={public}"),
                "minidump": format!("http://{host}/api/{project}/minidump/?sentry_key={public}"),
                "nel": format!("http://{host}/api/{project}/nel/?sentry_key={public}"),
                "unreal": format!("http://{host}/api/{project}/unreal/{public}/"),
                "crons": format!("http://{host}/api/{project}/cron/___MONITOR_SLUG___/{public}/"),
                "cdn": format!("http://{host}/js-sdk-loader/{public}.min.js"),
            },
            "browserSdkVersion": "10.x",
            "browserSdk": { "choices": [["10.x", "10.x"], ["9.x", "9.x"]] },
            "dateCreated": date(self.created),
            "dynamicSdkLoaderOptions": {
                "hasReplay": true, "hasPerformance": true, "hasDebug": false,
            },
        })
    }
}

pub(crate) fn projects() -> Vec<Project> {
    let project = |id: u64, slug: &str, name: &str, organization, teams, platform: &str| Project {
        id,
        slug: slug.to_owned(),
        name: name.to_owned(),
        old_slugs: Vec::new(),
        organization,
        teams,
        platform: Some(platform.to_owned()),
        keys: vec![Key::new(id, "Default", BASE_INSTANT - 350 * DAY)],
        created: BASE_INSTANT - 350 * DAY,
        has_events: true,
        bookmarked: false,
    };
    let mut projects = vec![
        project(301, "checkout-api", "Checkout API", 0, vec![0], "python-django"),
        project(302, "storefront", "Storefront", 0, vec![1], "javascript-nextjs"),
        project(303, "pricing-engine", "Pricing Engine", 0, vec![2, 0], "rust"),
        project(304, "order-service", "Order Service", 0, vec![0, 3], "java-spring-boot"),
        project(305, "gateway", "Gateway", 0, vec![3], "go"),
        project(306, "back-office", "Back Office", 1, vec![4], "ruby-rails"),
    ];
    if let Some(checkout) = projects.first_mut() {
        checkout.keys.push(Key::new(301, "Celery workers", BASE_INSTANT - 200 * DAY));
        let mut retired = Key::new(301, "Retired load test", BASE_INSTANT - 300 * DAY);
        retired.active = false;
        checkout.keys.push(retired);
    }
    projects
}
