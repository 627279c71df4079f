//! `sentry-mcp tools`: what a client would see.

use std::io::Write as _;

use server::cli::{self, PLAIN, QUIET};

use crate::{
    args::{Args, Output},
    session::Session,
};

pub(super) async fn run(args: Args, output: Output) -> anyhow::Result<()> {
    let session = Session::start(args).await?;
    let mut out = anstream::stdout().lock();
    if output.json {
        let list = session.server.list_json().await?;
        writeln!(out, "{}", serde_json::to_string_pretty(&list)?)?;
        return Ok(());
    }
    let tools = session.server.tools().await;
    let row = |spec: &::tools::tool::ToolSpec| {
        let needs = spec.meta.requires;
        let needs = if needs.is_empty() { "nothing".to_owned() } else { needs.to_string() };
        let name = spec.meta.name.to_owned();
        vec![(PLAIN, name), (QUIET, needs), (PLAIN, spec.summary().to_owned())]
    };
    let rows: Vec<_> = tools.iter().map(row).collect();
    cli::print(&mut out, &["TOOL", "NEEDS", "WHAT IT DOES"], &rows)?;
    Ok(())
}
