//! The simulated Sentry's memory: the fixed data set and what writes changed. Knows no HTTP.

pub(crate) mod attachments;
pub(crate) mod docs;
mod events;
pub(crate) mod explore;
mod issues;
mod naming;
mod organizations;
mod projects;
mod releases;
pub(crate) mod replays;
pub(crate) mod seer;
pub(crate) mod traces;

use std::{
    collections::HashMap,
    io,
    sync::{Arc, LazyLock},
};

use bytes::Bytes;
use serde_json::{Value, json};

pub(crate) use crate::data::{
    events::{Event, recursive},
    issues::{Assignee, Issue, TagValue, extend as issues_extend},
    naming::tag_name,
    organizations::{Organization, Team, User},
    projects::{Key, Project},
    releases::Release,
};

/// The instant all dates of the data set count back from: 2026-11-16T12:00:00Z, in seconds since
/// the Unix epoch. Writes are dated after it, one second apart.
pub const BASE_INSTANT: i64 = 1_794_830_400;

/// The addresses of the API listeners, as `host:port`.
#[derive(Clone, Debug)]
pub(crate) struct Origins {
    pub(crate) main: String,
    pub(crate) region: String,
}

/// Everything the simulation knows. Records refer to each other by position: nothing is removed.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) origins: Origins,
    pub(crate) users: Vec<User>,
    pub(crate) organizations: Vec<Organization>,
    pub(crate) teams: Vec<Team>,
    pub(crate) projects: Vec<Project>,
    pub(crate) releases: Vec<Release>,
    pub(crate) issues: Vec<Issue>,
    pub(crate) events: Vec<Event>,
    /// Issue positions by numeric id and by upper-case short id, old short ids included.
    pub(crate) issues_by_name: HashMap<String, usize>,
    pub(crate) events_by_id: HashMap<String, usize>,
    /// The traces that are written down; see [`traces::find`] for the others.
    pub(crate) traces: Vec<Arc<traces::Trace>>,
    pub(crate) explore: Arc<explore::Explore>,
    pub(crate) replays: Arc<[replays::Replay]>,
    /// Shared by copies of a world: a new world gets its own.
    pub(crate) seer: Arc<seer::Runs>,
    /// How many records writes have made: their dates and ids follow from it.
    writes: u64,
}

impl World {
    /// A fresh copy of the data set, living on these hosts.
    pub(crate) fn new(origins: Origins) -> io::Result<Self> {
        // Made once per process: tests start many simulations, and events take the longest.
        static TEMPLATE: LazyLock<Result<World, String>> = LazyLock::new(World::template);
        let mut world = match &*TEMPLATE {
            Ok(template) => template.clone(),
            Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error.clone())),
        };
        world.origins = origins;
        world.seer = Arc::new(seer::Runs::new());
        for position in 0..world.issues.len() {
            world.refresh_issue(position);
        }
        Ok(world)
    }

    fn template() -> Result<Self, String> {
        let mut world = Self {
            origins: Origins { main: String::new(), region: String::new() },
            users: organizations::users(),
            organizations: organizations::organizations(),
            teams: organizations::teams(),
            projects: projects::projects(),
            releases: releases::releases(),
            issues: Vec::new(),
            events: Vec::new(),
            issues_by_name: HashMap::new(),
            events_by_id: HashMap::new(),
            traces: Vec::new(),
            explore: Arc::default(),
            replays: Arc::default(),
            seer: Arc::default(),
            writes: 0,
        };
        issues::load(&mut world)?;
        world.traces = traces::load(&world)?.into_iter().map(Arc::new).collect();
        world.explore = Arc::new(explore::Explore::of(&world));
        world.replays = replays::replays(&world).into();
        Ok(world)
    }

    pub(crate) fn organization(&self, id_or_slug: &str) -> Option<(usize, &Organization)> {
        self.organizations
            .iter()
            .enumerate()
            .find(|(_, organization)| named(organization.id, &organization.slug, id_or_slug))
    }

    pub(crate) fn project(
        &self,
        organization: usize,
        id_or_slug: &str,
    ) -> Option<(usize, &Project)> {
        self.projects.iter().enumerate().find(|(_, project)| {
            project.organization == organization && named(project.id, &project.slug, id_or_slug)
        })
    }

    /// The project that once had this slug.
    pub(crate) fn renamed_project(&self, organization: usize, slug: &str) -> Option<&Project> {
        self.projects.iter().find(|project| {
            project.organization == organization && project.old_slugs.iter().any(|old| old == slug)
        })
    }

    pub(crate) fn team(&self, organization: usize, id_or_slug: &str) -> Option<(usize, &Team)> {
        self.teams.iter().enumerate().find(|(_, team)| {
            team.organization == organization && named(team.id, &team.slug, id_or_slug)
        })
    }

    pub(crate) fn user(&self, id: u64) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// An issue by its numeric id or short id, whatever its organization.
    pub(crate) fn issue(&self, id_or_short_id: &str) -> Option<(usize, &Issue)> {
        let position = *self
            .issues_by_name
            .get(id_or_short_id)
            .or_else(|| self.issues_by_name.get(&id_or_short_id.to_ascii_uppercase()))?;
        self.issues.get(position).map(|issue| (position, issue))
    }

    pub(crate) fn event(&self, id: &str) -> Option<&Event> {
        let id = id.replace('-', "").to_ascii_lowercase();
        self.events_by_id.get(&id).and_then(|position| self.events.get(*position))
    }

    /// The host where an organization lives.
    pub(crate) fn host_of(&self, organization: &Organization) -> &str {
        if organization.in_region { &self.origins.region } else { &self.origins.main }
    }

    /// A fresh number for a new record, and its date.
    pub(crate) fn next_write(&mut self) -> (u64, i64) {
        self.writes += 1;
        (self.writes, BASE_INSTANT + i64::try_from(self.writes).unwrap_or(i64::MAX / 2))
    }

    /// Gives the issues of a renamed project their new short ids; the old ones still lead to them.
    pub(crate) fn refresh_issues_of(&mut self, project: usize) {
        let Some(slug) = self.projects.get(project).map(|project| project.slug.clone()) else {
            return;
        };
        for position in 0..self.issues.len() {
            if let Some(issue) = self.issues.get_mut(position).filter(|one| one.project == project)
            {
                issue.short_id = naming::short_id(&slug, issue.number);
                self.issues_by_name.insert(issue.short_id.clone(), position);
                self.refresh_issue(position);
            }
        }
    }

    /// Makes the stored bodies of an issue match its fields again.
    pub(crate) fn refresh_issue(&mut self, position: usize) {
        let Some((detail, list)) = issues::bodies(self, position) else { return };
        if let Some(issue) = self.issues.get_mut(position) {
            issue.detail = Bytes::from(detail.to_string());
            issue.list = Bytes::from(list.to_string());
        }
    }
}

fn named(id: u64, slug: &str, id_or_slug: &str) -> bool {
    slug == id_or_slug || id_or_slug.parse() == Ok(id)
}

/// Sentry's way of writing an instant.
pub(crate) fn date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map(|instant| instant.to_string()).unwrap_or_default()
}

/// [`date`] with the microseconds that Sentry's database dates carry.
pub(crate) fn precise_date(seconds: i64) -> String {
    // Any fixed fraction does: decoders must cope with one.
    date(seconds).replace('Z', ".417206Z")
}

pub(crate) fn letter_avatar() -> Value {
    json!({ "avatarType": "letter_avatar", "avatarUuid": null, "avatarUrl": null })
}

/// A repeatable 128-bit id from a seed text, as 32 hex digits.
pub(crate) fn hex_id(seed: &str) -> String {
    // FNV-1a over the seed, twice with different offsets: repeatable on every platform.
    let half = |offset: u64| {
        let hash = seed
            .bytes()
            .fold(offset, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        // FNV leaves similar seeds similar; this mixes the high bits in (splitmix64's finalizer).
        let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ (hash >> 31)
    };
    format!("{:016x}{:016x}", half(0xcbf2_9ce4_8422_2325), half(0x6c62_272e_07bb_0142))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_depends_on_its_seed_only() {
        assert_eq!(hex_id("a"), hex_id("a"));
        assert_ne!(hex_id("a"), hex_id("b"));
        assert_eq!(hex_id("event 1").len(), 32);
    }

    #[test]
    fn the_base_instant_is_the_documented_one() {
        assert_eq!(date(BASE_INSTANT), "2026-11-16T12:00:00Z");
    }
}
