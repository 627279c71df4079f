//! `sentry-mcp-http demo`: the server and a simulated Sentry with a login page of its own.
//!
//! Everything but Sentry is what `serve` runs. No setting of the machine reaches it, only flags,
//! and nothing is kept.

use std::io::Write as _;

use anstream::stdout;
use anstyle::{AnsiColor, Style};
use anyhow::Context as _;
use figment::{Figment, providers::Serialized};
use sentry_sim::{OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET, ORGANIZATION, Simulation};
use serde_json::json;
use server::{config::HttpLoaded, telemetry};

use crate::{
    args::{Args, DemoOptions},
    commands::serve::Ready,
};

const TITLE: Style = Style::new().bold();
const PASTE: Style = AnsiColor::Cyan.on_default();
/// The project of the simulated Sentry that has the most to look at.
const PROJECT: &str = "checkout-api";

pub(super) async fn run(args: &Args, options: DemoOptions) -> anyhow::Result<()> {
    let sentry = Simulation::start().await.context("cannot start the simulated Sentry")?;
    let loaded = settings(args, &sentry)?;
    telemetry::start_as(&loaded.shared.config.log, loaded.config.log_format);
    let ready = Ready::new(&loaded).await?;
    let endpoint = ready.endpoint();
    if options.announce {
        let server = endpoint.trim_end_matches("/mcp");
        let line = json!({ "server": server, "endpoint": endpoint, "sentry": sentry.url() });
        writeln!(stdout(), "{line}")?;
    } else {
        writeln!(stdout(), "{}", guide(&endpoint, &sentry.url()))?;
    }
    stdout().flush()?;
    ready.serve().await
}

/// The flags, with the simulated Sentry and a store in memory above them.
fn settings(args: &Args, sentry: &Simulation) -> anyhow::Result<HttpLoaded> {
    let mut flags = serde_json::to_value(&args.options)?;
    if let Some(flags) = flags.as_object_mut() {
        // It would win over the host.
        flags.remove("url");
    }
    let simulated = json!({
        "host": sentry.host(),
        "insecure_http": true,
        "region_hosts": [sentry.region_host()],
        "docs_url": sentry.docs_url(),
        "docs_base_url": sentry.docs_base_url(),
        "client_id": OAUTH_CLIENT_ID,
        "client_secret": OAUTH_CLIENT_SECRET,
        "store": "memory",
    });
    let flags = Figment::from(Serialized::defaults(flags)).merge(Serialized::defaults(simulated));
    Ok(HttpLoaded::of_flags(&flags)?)
}

fn guide(endpoint: &str, sentry: &str) -> String {
    format!(
        "{TITLE}A server and a simulated Sentry, until you press Ctrl-C.{TITLE:#} Nothing in it is \
         real, and nothing is kept.

  MCP endpoint        {PASTE}{endpoint}{PASTE:#}
  one project only    {PASTE}{endpoint}/{ORGANIZATION}/{PROJECT}{PASTE:#}
  simulated Sentry    {sentry}

{TITLE}1. Tell a client about it{TITLE:#}

  Claude Code         {PASTE}claude mcp add --transport http sentry-demo {endpoint}{PASTE:#}
  VS Code             {PASTE}code --add-mcp '{{\"name\":\"sentry-demo\",\"type\":\"http\",\"url\":\"{endpoint}\"}}'{PASTE:#}
  Cursor (mcp.json)   {PASTE}{{\"mcpServers\":{{\"sentry-demo\":{{\"url\":\"{endpoint}\"}}}}}}{PASTE:#}
  Inspector           {PASTE}npx @modelcontextprotocol/inspector --transport http --server-url {endpoint}{PASTE:#}

{TITLE}2. Connect{TITLE:#}: a browser opens, you pick what the client may do, and sign in as one of two people.

{TITLE}3. Ask{TITLE:#}: \"Which unresolved errors does {PROJECT} have? Resolve the first.\" If you did not allow
   issue triage, the client is refused, and asks you again.
"
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use server::config::StoreLocation;

    use super::*;

    #[tokio::test]
    async fn flags_reach_the_demo_but_neither_another_sentry_nor_a_file() {
        let sentry = Simulation::start().await.unwrap();
        let line = "sentry-mcp-http demo --bind 127.0.0.1:0 --url https://other.test --store a.db";
        let loaded = settings(&Args::parse_from(line.split(' ')), &sentry).unwrap();
        assert_eq!(loaded.settings().bind.port(), 0);
        assert_eq!(loaded.settings().store, StoreLocation::Memory);
        assert_eq!(loaded.shared.settings().site.host(), sentry.host());
    }

    #[test]
    fn the_guide_has_settings_to_paste() {
        let guide =
            anstream::adapter::strip_str(&guide("http://a.test/mcp", "http://s.test")).to_string();
        for part in [
            r#"{"mcpServers":{"sentry-demo":{"url":"http://a.test/mcp"}}}"#,
            r#"'{"name":"sentry-demo","type":"http","url":"http://a.test/mcp"}'"#,
            "claude mcp add --transport http sentry-demo http://a.test/mcp",
        ] {
            assert!(guide.contains(part), "{guide}");
        }
    }
}
