//! How transactions are run, where not as the network would.

use std::sync::Arc;

use diesel::prelude::*;

use super::Connection;
use super::failure::During;
use super::schema::run_contexts;
use super::transactions::one_row;
use crate::domain::RunContext;
use crate::domain::ledger::{Position, StoreError};

/// Keeps how the transaction at `position` is run.
pub(super) fn insert(
    conn: &mut Connection,
    position: Position,
    context: &RunContext,
) -> Result<(), StoreError> {
    const OPERATION: &str = "storing how a transaction is run";
    let text = serde_json::to_string(context).during(OPERATION)?;
    let inserted = diesel::insert_into(run_contexts::table)
        .values((run_contexts::position.eq(position.0), run_contexts::context.eq(text)))
        .execute(conn);
    one_row(inserted, OPERATION)
}

/// How the transaction at `position` is run; `None` is as the network would.
pub(super) fn load(
    conn: &mut Connection,
    position: Position,
) -> Result<Option<Arc<RunContext>>, StoreError> {
    let text: Option<String> = run_contexts::table
        .find(position.0)
        .select(run_contexts::context)
        .get_result(conn)
        .optional()
        .during("reading how a transaction is run")?;
    read(text)
}

/// The meaning of the column.
pub(super) fn read(text: Option<String>) -> Result<Option<Arc<RunContext>>, StoreError> {
    let read = |text: String| {
        serde_json::from_str(&text).during("reading how a transaction is run").map(Arc::new)
    };
    text.map(read).transpose()
}
