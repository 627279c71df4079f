//! From what a token was issued for to a [`Caller`]: scopes, fence, and a client for Sentry.
//! It reads no store and refreshes nothing.

use std::{sync::Arc, time::Duration};

use scopes::{Granted, Origin, ScopeSet};
use secrecy::SecretString;
use sentry_client::{Client, ErrorKind, Fence, Slug, TokenSource};
use tools::{gate::Grant, registry::Catalog};

use super::Caller;
use crate::{config::HttpLoaded, handler::McpServer};

/// How long the check of a fence may take.
const FENCE_LIMIT: Duration = Duration::from_secs(5);

/// Sentry, before anybody logged in. All callers share its connections.
#[derive(Clone, Debug)]
pub struct Sentry {
    client: Client,
}

/// What a token was issued for, and the path it is used at.
#[derive(Clone, Debug)]
pub struct Account {
    /// The scopes that a person approved.
    pub granted: ScopeSet,
    /// The scopes that Sentry gave its own token, where it said so.
    pub upstream: Option<ScopeSet>,
    /// The organization that the call is limited to.
    pub organization: Option<Slug>,
    /// The project that the call is limited to.
    pub project: Option<Slug>,
}

impl Account {
    /// What a token was issued for: scopes, Sentry's scopes, and the fence of the resource.
    pub fn new(
        granted: ScopeSet,
        upstream: Option<ScopeSet>,
        (organization, project): (Option<&Slug>, Option<&Slug>),
    ) -> Account {
        let (organization, project) = (organization.cloned(), project.cloned());
        Account { granted, upstream, organization, project }
    }

    /// What it may do.
    pub(super) fn grant(&self) -> Grant {
        let granted = Granted { scopes: self.granted, origin: Origin::Approved };
        let fence =
            Fence { organization: self.organization.clone(), project: self.project.clone() };
        Grant { token: self.upstream, fence, ..Grant::new(granted) }
    }
}

/// Why a fence does not hold for a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FenceError {
    /// Sentry does not show it to this caller, under this name.
    #[error("there is no such organization or project, or this login may not see it")]
    Unknown,
    /// Sentry refused the caller's token altogether.
    #[error("Sentry does not accept this login any more")]
    Unauthorized,
    /// Nobody knows: Sentry did not answer.
    #[error("Sentry does not answer at the moment, so the organization cannot be checked")]
    Unavailable,
}

impl Sentry {
    /// The Sentry that the settings name. No I/O.
    pub fn of(loaded: &HttpLoaded) -> Sentry {
        Sentry { client: Client::new(loaded.shared.settings(), TokenSource::Missing) }
    }

    #[cfg(test)]
    pub(super) fn with(client: Client) -> Sentry {
        Sentry { client }
    }

    /// A client with a credential: it shares the connections and has caches and a limit of
    /// concurrent requests of its own, so keep it for the next call of the same credential.
    #[must_use]
    pub fn logged_in(&self, token: SecretString) -> Sentry {
        Sentry { client: self.client.with_token(TokenSource::Fixed(token)) }
    }

    /// Who calls, for one request.
    pub fn caller(&self, account: &Account) -> Arc<Caller> {
        let grant = account.grant();
        let sentry = self.client.clone().with_fence(grant.fence.clone());
        Arc::new(Caller { grant, sentry })
    }

    /// Whether Sentry has refused the credential with status 401.
    pub fn was_refused(&self) -> bool {
        self.client.was_refused()
    }

    /// Asks Sentry whether the organization and the project exist for this credential, under
    /// exactly these names: Sentry also finds a renamed project under its old one, to which the
    /// fence could not be compared.
    pub async fn admits(
        &self,
        organization: &Slug,
        project: Option<&Slug>,
    ) -> Result<(), FenceError> {
        let client = self.client.for_call_within(FENCE_LIMIT);
        let organization_slug = async {
            let found = client.get_organization(organization, None).await?;
            Ok::<bool, sentry_client::Error>(found.slug == *organization)
        };
        let project_slug = async {
            let Some(project) = project else { return Ok(true) };
            let found = client.get_project(organization, project, None).await?;
            Ok(found.slug == project.as_str())
        };
        let (organization_fits, project_fits) =
            futures::try_join!(organization_slug, project_slug).map_err(|err| reason(&err))?;
        if organization_fits && project_fits { Ok(()) } else { Err(FenceError::Unknown) }
    }
}

fn reason(err: &sentry_client::Error) -> FenceError {
    match err.kind() {
        ErrorKind::Unauthorized { .. } => FenceError::Unauthorized,
        ErrorKind::NotFound { .. } | ErrorKind::Forbidden { .. } | ErrorKind::Moved { .. } => {
            FenceError::Unknown
        }
        kind => {
            tracing::warn!(%err, reason = %kind, "could not check an organization");
            FenceError::Unavailable
        }
    }
}

impl McpServer {
    /// The server that the settings describe, whose every request names its caller.
    pub fn of_http(loaded: &HttpLoaded) -> McpServer {
        McpServer::without_caller(Catalog::new(loaded.shared.installation()))
    }
}
