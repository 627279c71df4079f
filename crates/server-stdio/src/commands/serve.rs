//! No subcommand: serves one MCP client. Standard output belongs to the protocol.

use crate::{args::Args, session::Session};

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let session = Session::with_token(args).await?;
    server::serve_stdio(session.server.clone()).await?;
    Ok(())
}
