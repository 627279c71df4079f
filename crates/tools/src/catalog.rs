//! Every tool there is. To add one, run `cargo xtask new-tool`.

use crate::{
    docs::DOCS, events::EVENTS, issues::ISSUES, organizations::ORGANIZATIONS, projects::PROJECTS,
    releases::RELEASES, seer::SEER, teams::TEAMS, tool::DynTool, traces::TRACES,
};

/// Tools that belong together; the name is the folder's.
#[derive(Clone, Copy)]
pub struct Toolset {
    /// A plural noun, the same as the folder.
    pub name: &'static str,
    /// Its tools, in the order in which they are listed.
    pub tools: &'static [&'static dyn DynTool],
}

/// All toolsets, in the order in which documentation and listings present them.
pub const TOOLSETS: &[Toolset] =
    &[ORGANIZATIONS, PROJECTS, TEAMS, RELEASES, ISSUES, EVENTS, TRACES, SEER, DOCS];

/// All tools, toolset by toolset.
pub fn all() -> impl Iterator<Item = &'static dyn DynTool> {
    TOOLSETS.iter().flat_map(|set| set.tools).copied()
}
