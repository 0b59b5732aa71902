//! Updates that are prepared once per connection.
//!
//! Diesel never caches an `UPDATE`, because the text of one can depend on its values. Ours always
//! set the same columns, and preparing them anew would be half of their cost.

use diesel::QueryResult;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;

use super::Connection;
use super::connection::MultiBackend;

/// A statement whose text is the same whatever its values are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cached<S>(S);

/// Marks a statement as [`Cached`].
pub(super) trait CachedDsl: Sized {
    /// Promises that the text of the statement does not depend on its values.
    fn cached(self) -> Cached<Self> {
        Cached(self)
    }
}

impl<T, W, V, R> CachedDsl for diesel::query_builder::UpdateStatement<T, W, V, R> where
    T: diesel::QuerySource
{
}

// Found in the cache by its text.
impl<S> QueryId for Cached<S> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<S: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for Cached<S> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _backend: &MultiBackend) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<S> RunQueryDsl<Connection> for Cached<S> {}
