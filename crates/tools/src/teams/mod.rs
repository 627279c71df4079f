//! Teams of an organization.

use crate::catalog::Toolset;

pub(crate) mod create_team;
pub(crate) mod find_teams;

pub(crate) const TEAMS: Toolset =
    Toolset { name: "teams", tools: &[&find_teams::FindTeams, &create_team::CreateTeam] };
