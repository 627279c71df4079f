//! Who the caller is, and which organizations there are.

use crate::catalog::Toolset;

pub(crate) mod find_organizations;
pub(crate) mod whoami;

pub(crate) const ORGANIZATIONS: Toolset = Toolset {
    name: "organizations",
    tools: &[&whoami::Whoami, &find_organizations::FindOrganizations],
};
