//! Updates that are prepared once per connection.
//!
//! Diesel never caches an `UPDATE`, because the text of one can depend on its values. Those of the
//! hot path always set the same columns, and preparing them anew would be half of their cost.

use diesel::QueryResult;
use diesel::query_builder::{AsChangeset, AstPass, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;

use super::Connection;
use super::connection::MultiBackend;

/// `UPDATE table SET values WHERE condition`.
#[derive(Debug, Clone, Copy)]
pub(super) struct CachedUpdate<S, C> {
    table: &'static str,
    values: S,
    condition: C,
}

/// An update whose text is the same whatever its values are.
pub(super) fn cached_update<S: AsChangeset, C>(
    table: &'static str,
    values: S,
    condition: C,
) -> CachedUpdate<S::Changeset, C> {
    CachedUpdate { table, values: values.as_changeset(), condition }
}

// Found in the cache by its text.
impl<S, C> QueryId for CachedUpdate<S, C> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<S, C> QueryFragment<MultiBackend> for CachedUpdate<S, C>
where
    S: QueryFragment<MultiBackend>,
    C: QueryFragment<MultiBackend>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        out.push_identifier(self.table)?;
        out.push_sql(" SET ");
        self.values.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        self.condition.walk_ast(out.reborrow())
    }
}

impl<S, C> RunQueryDsl<Connection> for CachedUpdate<S, C> {}
