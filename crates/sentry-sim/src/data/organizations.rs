//! Organizations, teams and people of the data set. The people are roles, not persons.

use serde_json::{Value, json};

use crate::{
    auth::{ADMIN_USER, Identity, MEMBER_USER, OUTSIDER_USER, Role},
    data::{BASE_INSTANT, World, letter_avatar, precise_date},
};

const DAY: i64 = 86_400;

#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) name: &'static str,
    pub(crate) email: &'static str,
}

impl User {
    /// The short form inside assignees, members and notes.
    pub(crate) fn body(&self) -> Value {
        json!({
            "id": self.id.to_string(),
            "name": self.name,
            "username": self.email,
            "email": self.email,
            "avatarUrl": null,
            "isActive": true,
            "hasPasswordAuth": true,
            "isManaged": false,
            "dateJoined": precise_date(BASE_INSTANT - 400 * DAY),
            "lastLogin": null,
            "has2fa": self.id == ADMIN_USER,
            "lastActive": precise_date(BASE_INSTANT - 600),
            "isSuperuser": false,
            "isStaff": false,
            "experiments": {},
            "emails": [{ "id": self.id.to_string(), "email": self.email, "is_verified": true }],
            "avatar": letter_avatar(),
        })
    }

    /// The long form of `GET /` and `GET /auth/`.
    pub(crate) fn own_body(&self) -> Value {
        let mut body = self.body();
        if let Value::Object(fields) = &mut body {
            fields.insert(
                "options".to_owned(),
                json!({
                    "theme": "system",
                    "language": "en",
                    "stacktraceOrder": -1,
                    "defaultIssueEvent": "recommended",
                    "timezone": "UTC",
                    "clock24Hours": true,
                }),
            );
            fields.insert("flags".to_owned(), json!({ "newsletter_consent_prompt": false }));
            fields.insert("identities".to_owned(), json!([]));
        }
        body
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Organization {
    pub(crate) id: u64,
    pub(crate) slug: String,
    pub(crate) name: String,
    /// Whether it lives on the region host.
    pub(crate) in_region: bool,
    pub(crate) members: Vec<(u64, Role)>,
    pub(crate) repositories: Vec<(u64, &'static str)>,
    pub(crate) environments: &'static [&'static str],
}

impl Organization {
    pub(crate) fn role(&self, user: u64) -> Option<Role> {
        self.members.iter().find(|(member, _)| *member == user).map(|(_, role)| *role)
    }

    /// An element of the list of organizations.
    pub(crate) fn body(&self, world: &World) -> Value {
        let url = format!("http://{}", world.host_of(self));
        json!({
            "id": self.id.to_string(),
            "slug": self.slug,
            "status": { "id": "active", "name": "active" },
            "name": self.name,
            "dateCreated": precise_date(BASE_INSTANT - 380 * DAY),
            "isEarlyAdopter": false,
            "require2FA": false,
            "requireEmailVerification": false,
            "avatar": letter_avatar(),
            "links": { "organizationUrl": url, "regionUrl": url },
            "hasAuthProvider": false,
            "features": [
                "advanced-search", "discover-basic", "discover-query", "event-attachments",
                "global-views", "integrations-issue-basic", "integrations-stacktrace-link",
                "open-membership", "performance-view", "session-replay", "shared-issues",
            ],
        })
    }

    /// `GET /organizations/{slug}/`.
    pub(crate) fn detail(&self, world: &World, position: usize, identity: &Identity) -> Value {
        let role = self.role(identity.user).map_or("member", Role::id);
        let mut body = self.body(world);
        let teams: Vec<_> = world
            .teams
            .iter()
            .filter(|team| team.organization == position)
            .map(|team| team.body(world, identity))
            .collect();
        let projects: Vec<_> = world
            .projects
            .iter()
            .filter(|project| project.organization == position)
            .map(|project| project.list_body(world))
            .collect();
        if let (Value::Object(fields), Value::Object(extra)) = (
            &mut body,
            json!({
                "access": identity.scopes,
                "onboardingTasks": [],
                "quota": {
                    "maxRate": null, "maxRateInterval": 60, "accountLimit": 0, "projectLimit": 100,
                },
                "isDefault": false,
                "defaultRole": "member",
                "openMembership": true,
                "allowSharedIssues": true,
                "enhancedPrivacy": false,
                "dataScrubber": false,
                "sensitiveFields": [],
                "safeFields": [],
                "genAIConsent": false,
                "role": role,
                "orgRole": role,
                "pendingAccessRequests": 0,
                "teams": teams,
                "projects": projects,
            }),
        ) {
            fields.extend(extra);
        }
        body
    }

    pub(crate) fn members_body(&self, world: &World) -> Vec<Value> {
        let member = |(index, (user, role)): (usize, &(u64, Role))| {
            let user = world.user(*user)?;
            let role_name = if *role == Role::Owner { "Owner" } else { "Member" };
            Some(json!({
                "id": (self.id * 10 + index as u64).to_string(),
                "email": user.email,
                "name": user.name,
                "user": user.body(),
                "role": role.id(),
                "roleName": role_name,
                "orgRole": role.id(),
                "pending": false,
                "expired": false,
                "flags": {
                    "idp:provisioned": false, "idp:role-restricted": false, "sso:linked": false,
                    "sso:invalid": false, "member-limit:restricted": false,
                    "partnership:restricted": false,
                },
                "dateCreated": precise_date(BASE_INSTANT - 370 * DAY),
                "inviteStatus": "approved",
                "inviterName": null,
            }))
        };
        self.members.iter().enumerate().filter_map(member).collect()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Team {
    pub(crate) id: u64,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) organization: usize,
    pub(crate) members: Vec<u64>,
    pub(crate) created: i64,
}

impl Team {
    /// The three fields inside projects.
    pub(crate) fn reference(&self) -> Value {
        json!({ "id": self.id.to_string(), "slug": self.slug, "name": self.name })
    }

    pub(crate) fn body(&self, world: &World, identity: &Identity) -> Value {
        let is_member = self.members.contains(&identity.user);
        let owner = world
            .organizations
            .get(self.organization)
            .and_then(|organization| organization.role(identity.user))
            == Some(Role::Owner);
        json!({
            "id": self.id.to_string(),
            "slug": self.slug,
            "name": self.name,
            "dateCreated": precise_date(self.created),
            "isMember": is_member,
            "teamRole": if owner { "admin" } else { "contributor" },
            "flags": { "idp:provisioned": false },
            "access": identity.scopes,
            "hasAccess": true,
            "isPending": false,
            "memberCount": self.members.len(),
            "avatar": letter_avatar(),
        })
    }
}

pub(crate) fn users() -> Vec<User> {
    let user = |id, name, email| User { id, name, email };
    vec![
        user(ADMIN_USER, "On-call Engineer", "oncall@example.test"),
        user(MEMBER_USER, "Support Engineer", "support@example.test"),
        user(OUTSIDER_USER, "Outside Contractor", "contractor@example.test"),
        user(4, "Payments Lead", "payments-lead@example.test"),
        user(5, "Web Lead", "web-lead@example.test"),
        user(6, "Pricing Lead", "pricing-lead@example.test"),
        user(7, "Platform Lead", "platform-lead@example.test"),
        user(8, "Operations Lead", "operations-lead@example.test"),
    ]
}

pub(crate) fn organizations() -> Vec<Organization> {
    vec![
        Organization {
            id: 101,
            slug: crate::ORGANIZATION.to_owned(),
            name: "Aurora Labs".to_owned(),
            in_region: false,
            members: vec![
                (ADMIN_USER, Role::Owner),
                (MEMBER_USER, Role::Member),
                (4, Role::Member),
                (5, Role::Member),
                (6, Role::Member),
                (7, Role::Member),
            ],
            repositories: vec![
                (31, "aurora-labs/checkout-api"),
                (32, "aurora-labs/storefront"),
                (33, "aurora-labs/pricing-engine"),
                (34, "aurora-labs/order-service"),
                (35, "aurora-labs/gateway"),
            ],
            environments: &["production", "staging", "canary"],
        },
        Organization {
            id: 102,
            slug: crate::REGION_ORGANIZATION.to_owned(),
            name: "Harbor Works".to_owned(),
            in_region: true,
            members: vec![(ADMIN_USER, Role::Owner), (8, Role::Member)],
            repositories: vec![(41, "harbor-works/back-office")],
            environments: &["production", "staging"],
        },
    ]
}

pub(crate) fn teams() -> Vec<Team> {
    let team = |id, slug: &str, name: &str, organization, members| Team {
        id,
        slug: slug.to_owned(),
        name: name.to_owned(),
        organization,
        members,
        created: BASE_INSTANT - 360 * DAY,
    };
    vec![
        team(201, "payments", "Payments", 0, vec![ADMIN_USER, MEMBER_USER, 4]),
        team(202, "web-platform", "Web Platform", 0, vec![ADMIN_USER, 5]),
        team(203, "pricing", "Pricing", 0, vec![6]),
        team(204, "platform", "Platform", 0, vec![ADMIN_USER, 7]),
        team(205, "operations", "Operations", 1, vec![ADMIN_USER, 8]),
    ]
}
