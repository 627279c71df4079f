//! What the model that writes a search may look up: through the client of the outer call, so
//! inside its fence and with its token, and nothing that changes anything.

use agent::{Caller, FoundField, ToolError, Toolbox};
use async_trait::async_trait;
use search_query::Dataset;
use sentry_client::{Region, Slug, SlugOrId};

use crate::{events::find_event_fields, tool::Context};

/// The lookups of one call.
pub(crate) struct CallTools<'a> {
    pub(crate) cx: &'a Context<'a>,
    pub(crate) org: &'a Slug,
    pub(crate) region: Option<&'a Region>,
    /// The project that the outer call is about.
    pub(crate) project: Option<&'a SlugOrId>,
}

#[async_trait]
impl Toolbox for CallTools<'_> {
    async fn find_fields(
        &self,
        dataset: Dataset,
        containing: &str,
    ) -> Result<Vec<FoundField>, ToolError> {
        let CallTools { cx, org, region, project } = *self;
        let part = Some(containing).filter(|part| !part.is_empty());
        find_event_fields::first_page(cx, org, region, project, dataset, part)
            .await
            .map_err(|err| ToolError(err.to_string()))
    }

    async fn who_am_i(&self) -> Result<Caller, ToolError> {
        let user = self.cx.sentry.authenticated_user().await;
        let user = user.map_err(|err| ToolError(err.to_string()))?;
        Ok(Caller { id: user.id, name: user.name, email: user.email })
    }
}
