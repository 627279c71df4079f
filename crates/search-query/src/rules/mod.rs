//! What is wrong with a query, or odd about it, though each of its terms is well formed.
//!
//! It knows the differences between issue search and the others. It does not know the
//! types of fields: that is `fields`.

mod boolean;
mod hints;
mod support;

use crate::{Dataset, ast::Query, findings::Findings};

/// Adds what is found about the query as a whole.
pub(crate) fn check(query: &Query<'_>, dataset: Dataset, findings: &mut Findings) {
    boolean::check(query, dataset, findings);
    support::check(query, dataset, findings);
    hints::check(query, dataset, findings);
}
