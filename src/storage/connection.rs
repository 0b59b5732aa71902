//! One connection type for both databases.

#![allow(
    clippy::pedantic,
    clippy::expect_used,
    reason = "the code that diesel's MultiConnection derive writes is not ours"
)]

use std::fmt;

/// A connection to the database of a network, whichever it is.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// PostgreSQL, which several processes can share.
    Postgres(diesel::PgConnection),
    /// SQLite, which one process owns.
    Sqlite(diesel::SqliteConnection),
}

impl fmt::Debug for AnyConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres(_) => "Connection(PostgreSQL)",
            Self::Sqlite(_) => "Connection(SQLite)",
        })
    }
}
