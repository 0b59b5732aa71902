//! Conditions on a transaction's status, spelled out in SQL.
//!
//! They repeat the `WHERE` of the partial indexes word by word: with bound values instead, no
//! database could prove that an index covers the query.

use diesel::backend::Backend;
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Binary, Bool};

use super::schema::{codes, transactions};

/// Transactions, each with its code if it has one.
type WithCode = diesel::dsl::LeftJoinQuerySource<transactions::table, codes::table>;

macro_rules! condition {
    ($(#[$documentation:meta])* $name:ident: $sql:literal) => {
        $(#[$documentation])*
        #[derive(Debug, Clone, Copy, QueryId)]
        pub(super) struct $name;

        impl Expression for $name {
            type SqlType = Bool;
        }

        impl<DB: Backend> QueryFragment<DB> for $name {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> diesel::QueryResult<()> {
                out.push_sql($sql);
                Ok(())
            }
        }

        impl AppearsOnTable<transactions::table> for $name {}
        impl SelectableExpression<transactions::table> for $name {}

        impl ValidGrouping<()> for $name {
            type IsAggregate = is_aggregate::Never;
        }
    };
}

condition!(
    /// Waits for its turn.
    Pending: "transactions.status = 'PENDING'"
);
condition!(
    /// A round is running.
    InFlight: "transactions.status IN ('PROPOSING', 'COMMITTING', 'REVEALING')"
);
condition!(
    /// Withdrawn or given up.
    Canceled: "transactions.status = 'CANCELED'"
);
condition!(
    /// A decision was appealed, and the appeal is not decided.
    Appealed: "transactions.appeal IS NOT NULL"
);
condition!(
    /// Holds value.
    Locked: "transactions.locked <> '0'"
);
condition!(
    /// Waits or runs.
    Undecided: "transactions.status IN ('PENDING', 'PROPOSING', 'COMMITTING', 'REVEALING')"
);
condition!(
    /// Decided, and not final yet.
    AwaitsFinality:
        "transactions.status IN ('ACCEPTED', 'UNDETERMINED', 'LEADER_TIMEOUT', 'VALIDATORS_TIMEOUT')"
);

/// Whose queue a transaction is in, spelled as in the index `transactions_addressee`.
#[derive(Debug, Clone, Copy, QueryId)]
pub(super) struct Addressee;

impl Expression for Addressee {
    type SqlType = Binary;
}

impl<DB: Backend> QueryFragment<DB> for Addressee {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> diesel::QueryResult<()> {
        out.push_sql("coalesce(transactions.recipient, transactions.queue_address)");
        Ok(())
    }
}

impl AppearsOnTable<transactions::table> for Addressee {}
impl SelectableExpression<transactions::table> for Addressee {}
impl AppearsOnTable<WithCode> for Addressee {}
impl SelectableExpression<WithCode> for Addressee {}

impl ValidGrouping<()> for Addressee {
    type IsAggregate = is_aggregate::Never;
}
