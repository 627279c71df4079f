//! Reading columns. A value that this program never writes is an error, not a default.

use sqlx::{Row as _, any::AnyRow};

use crate::{
    secret::Digest,
    store::{Millis, StoreError},
};

/// One row of a table, whose name is for the error only.
pub(super) struct Columns<'a> {
    row: &'a AnyRow,
    table: &'static str,
}

impl<'a> Columns<'a> {
    pub(super) fn of(row: &'a AnyRow, table: &'static str) -> Columns<'a> {
        Columns { row, table }
    }

    pub(super) fn damaged(&self) -> StoreError {
        StoreError::Damaged { table: self.table }
    }

    pub(super) fn text(&self, column: &str) -> Result<String, StoreError> {
        Ok(self.row.try_get(column)?)
    }

    pub(super) fn maybe_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        Ok(self.row.try_get(column)?)
    }

    pub(super) fn number(&self, column: &str) -> Result<i64, StoreError> {
        Ok(self.row.try_get(column)?)
    }

    pub(super) fn maybe_time(&self, column: &str) -> Result<Option<Millis>, StoreError> {
        Ok(self.row.try_get(column)?)
    }

    pub(super) fn digest(&self, column: &str) -> Result<Digest, StoreError> {
        Digest::from_text(&self.text(column)?).ok_or_else(|| self.damaged())
    }

    pub(super) fn list(&self, column: &str) -> Result<Vec<String>, StoreError> {
        serde_json::from_str(&self.text(column)?).map_err(|_| self.damaged())
    }
}

/// The text of a list as it is stored.
pub(super) fn list(items: &[String]) -> String {
    serde_json::Value::from(items).to_string()
}
