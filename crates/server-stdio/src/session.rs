//! From the command line to a server: settings, the simulated Sentry, and what is missing.

use figment::providers::Serialized;
use sentry_sim::{Simulation, tokens};
use server::{
    McpServer,
    cli::{Usage, tell, warn_of_unknown_variables},
    config::{Loaded, Place},
};

use crate::args::{Args, Options};

/// A server and what it lives on.
pub(crate) struct Session {
    pub(crate) loaded: Loaded,
    pub(crate) server: McpServer,
    /// The simulated Sentry of `--demo`, which stops when it is dropped.
    _simulation: Option<Simulation>,
}

impl Session {
    /// Reads the settings and starts to log.
    pub(crate) async fn start(args: Args) -> anyhow::Result<Session> {
        let Args { mut options, config, demo, .. } = args;
        let simulation = if demo { Some(Simulation::start().await?) } else { None };
        if let Some(simulation) = &simulation {
            point_at(simulation, &mut options);
        }
        warn_of_unknown_variables();
        let loaded = Loaded::read(config, &Serialized::defaults(&options))?;
        server::telemetry::start(&loaded.config.log);
        if !demo && loaded.place("access_token") == Place::Flag("--access-token") {
            tell(
                "warning",
                "other users of this machine can read the token of `--access-token`; set \
                 SENTRY_ACCESS_TOKEN instead",
            );
        }
        if loaded.installation().agent.is_some_and(|agent| agent.provider().is_unencrypted()) {
            tell(
                "warning",
                "the key and the sentences go unencrypted to the address of the provider of models; \
                 use https:// unless it is in your own network",
            );
        }
        let server = McpServer::of(&loaded);
        Ok(Session { loaded, server, _simulation: simulation })
    }

    /// The same, for what cannot be done without a token.
    pub(crate) async fn with_token(args: Args) -> anyhow::Result<Session> {
        let session = Session::start(args).await?;
        if !session.loaded.has_token() {
            return Err(session.missing_token().into());
        }
        session.loaded.check_files()?;
        Ok(session)
    }

    fn missing_token(&self) -> Usage {
        let page = self.loaded.settings().site.token_page();
        let needs = self.server.token_needs();
        let tick = if needs.is_empty() {
            "no scope is needed".to_owned()
        } else {
            format!("tick {needs}")
        };
        Usage(format!(
            "there is no Sentry auth token\n\
             Create one at {page} ({tick}), then set \
             SENTRY_ACCESS_TOKEN, or name a file that holds it with --access-token-file.\n\
             To look around without an account: sentry-mcp --demo"
        ))
    }
}

/// Everything that the simulated Sentry replaces, whatever lower layers say.
fn point_at(simulation: &Simulation, options: &mut Options) {
    options.access_token = Some(tokens::ADMIN.to_owned());
    options.host = Some(simulation.host());
    options.insecure_http = true;
    options.region_hosts = vec![simulation.region_host()];
    options.docs_url = Some(simulation.docs_url());
    options.docs_base_url = Some(simulation.docs_base_url());
    // Nothing of the demo leaves this machine, unless somebody says so beside it.
    options.models.agent_provider.get_or_insert_with(|| "none".to_owned());
}
