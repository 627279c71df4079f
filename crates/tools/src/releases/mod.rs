//! Releases of an organization and its projects.

use crate::catalog::Toolset;

pub(crate) mod find_releases;

pub(crate) const RELEASES: Toolset =
    Toolset { name: "releases", tools: &[&find_releases::FindReleases] };
