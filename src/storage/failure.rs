//! What the database says when something goes wrong, in the store's words.

use std::fmt::Display;

use crate::domain::ledger::StoreError;

/// Names the operation that failed.
pub(super) trait During<T> {
    /// The error of `self` as a [`StoreError`] that says what was being done.
    fn during(self, operation: &'static str) -> Result<T, StoreError>;
}

impl<T, E: Display> During<T> for Result<T, E> {
    fn during(self, operation: &'static str) -> Result<T, StoreError> {
        self.map_err(|error| database_error(operation, error))
    }
}

/// The database failed, or holds something that cannot be.
pub(super) fn database_error(operation: &'static str, reason: impl Display) -> StoreError {
    StoreError::Database { operation, reason: reason.to_string() }
}
