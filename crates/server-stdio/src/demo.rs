//! `sentry-mcp demo`: a guided session against a simulated Sentry, on the terminal.
//!
//! It goes through the same registry and client as a served call; only Sentry is simulated.

use std::io::Write as _;

use anstream::println;
use anstyle::{AnsiColor, Style};
use anyhow::Context as _;
use scopes::{Layer, ScopeSet, Source};
use sentry_client::{Client, Settings, Site, TokenSource, docs::DocsService};
use sentry_sim::{OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET, Simulation, tokens};
use serde_json::{Value, json};
use tools::{
    gate::Grant,
    installation::Installation,
    registry::{Call, Catalog, ToolRegistry},
};

const ORGANIZATION: &str = "aurora-labs";
const ISSUE: &str = "CHECKOUT-API-1";

const TITLE: Style = Style::new().bold();
const COMMAND: Style = AnsiColor::Cyan.on_default();
const REFUSED: Style = AnsiColor::Yellow.on_default();
const FINE: Style = AnsiColor::Green.on_default();

/// The guided session, from the permission table to a write that was allowed.
pub(crate) async fn run() -> anyhow::Result<()> {
    let sentry = Simulation::start().await.context("cannot start the simulated Sentry")?;
    let session = Session::new(&sentry)?;
    let default = grant(None)?;

    heading("1. What an agent may do when nobody asks for more");
    session.permissions(&default);

    heading("2. It searches");
    let query = json!({ "organizationSlug": ORGANIZATION, "query": "is:unresolved level:error", "limit": 3 });
    session.call(&default, "", "search_issues", query).await;

    heading("3. It reads an issue in full");
    let issue = json!({ "organizationSlug": ORGANIZATION, "issueId": ISSUE });
    session.call(&default, "", "get_issue_details", issue).await;

    heading("4. It tries to write, and is refused");
    let resolve =
        json!({ "organizationSlug": ORGANIZATION, "issueId": ISSUE, "status": "resolved" });
    session.call(&default, "", "update_issue", resolve.clone()).await;

    heading("5. The same, after you allowed it");
    let wider = "event:write";
    session
        .call(&grant(Some(wider))?, &format!("--add-scopes={wider} "), "update_issue", resolve)
        .await;

    heading("Next");
    println!(
        "Point any MCP client at this simulated Sentry:  {COMMAND}sentry-mcp --demo{COMMAND:#}"
    );
    println!(
        "Or at yours, with a token:                      {COMMAND}SENTRY_ACCESS_TOKEN=… sentry-mcp{COMMAND:#}"
    );
    println!(
        "See what your flags and your token allow:       {COMMAND}sentry-mcp scopes{COMMAND:#}"
    );
    Ok(())
}

/// Only the simulated Sentry, announced as one line of JSON, until it is stopped.
///
/// For benches, and for trying a client against a Sentry that does not change.
pub(crate) async fn sentry_only() -> anyhow::Result<()> {
    let sentry = Simulation::start().await.context("cannot start the simulated Sentry")?;
    let announcement = json!({
        "host": sentry.host(),
        "region_host": sentry.region_host(),
        "docs_url": sentry.docs_url(),
        "token": tokens::ADMIN,
        "client_id": OAUTH_CLIENT_ID,
        "client_secret": OAUTH_CLIENT_SECRET,
        "organization": ORGANIZATION,
        "issue": ISSUE,
    });
    println!("{announcement}");
    std::io::stdout().flush()?;
    tokio::signal::ctrl_c().await.context("cannot wait for an interrupt")
}

fn heading(text: &str) {
    println!("\n{TITLE}{text}{TITLE:#}\n");
}

fn grant(add_scopes: Option<&str>) -> anyhow::Result<Grant> {
    let layer = Layer { source: Source::Flags, scopes: None, add_scopes };
    Ok(Grant::new(scopes::resolve(false, &[layer])?))
}

/// The registry and the client of one demo.
struct Session {
    catalog: Catalog,
    sentry: Client,
}

impl Session {
    fn new(sentry: &Simulation) -> anyhow::Result<Session> {
        let site =
            Site::parse_host(&sentry.host(), true)?.with_region_hosts([sentry.region_host()])?;
        let token = TokenSource::Fixed(tokens::ADMIN.into());
        let docs = DocsService::parse(&sentry.docs_url(), &sentry.docs_base_url())?;
        Ok(Session {
            catalog: Catalog::new(Installation { docs: Some(docs), ..Installation::default() }),
            sentry: Client::new(Settings { site, ..Settings::default() }, token),
        })
    }

    fn permissions(&self, grant: &Grant) {
        println!("granted by {}: {}\n", grant.granted.origin, grant.granted.scopes);
        for spec in self.catalog.all() {
            let name = spec.meta.name;
            let (style, state) = match self.catalog.check(grant, name) {
                Ok(()) => (FINE, "available"),
                Err(refusal) => (REFUSED, refusal.reason.state()),
            };
            println!("  {name:<20} {style}{state:<12}{style:#} {}", needs(spec.meta.requires));
        }
    }

    async fn call(&self, grant: &Grant, flags: &str, tool: &str, args: Value) {
        println!("{COMMAND}$ sentry-mcp {flags}call {tool} '{args}'{COMMAND:#}\n");
        let args = args.as_object().cloned().unwrap_or_default();
        let sentry = &self.sentry.for_call();
        let call = Call { sentry, grant, name: tool, args, progress: &() };
        match self.catalog.call(call).await {
            Ok(answer) => println!("{answer}"),
            Err(err) => println!("{REFUSED}{err}{REFUSED:#}"),
        }
    }
}

fn needs(scopes: ScopeSet) -> String {
    if scopes.is_empty() { "needs nothing".to_owned() } else { format!("needs {scopes}") }
}
