//! The steps that bring a database's tables up to date, embedded in the binary.

use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::Connection;
use super::failure::{During, database_error};
use crate::domain::ledger::StoreError;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Processes that start together on one PostgreSQL migrate one after the other.
const MIGRATION_LOCK: i64 = 0x0061_676f_7262;

const OPERATION: &str = "migrating the database";

/// One migration, and whether this database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Its name, which begins with its number.
    pub name: String,
    /// The database has it.
    pub applied: bool,
}

/// Every migration this binary knows, oldest first; refuses a database that is newer.
pub fn migrate_status(conn: &mut Connection) -> Result<Vec<MigrationStatus>, StoreError> {
    let known = known(conn)?;
    let applied = applied(conn)?;
    if let Some(unknown) =
        applied.iter().find(|version| !known.iter().any(|(known, _)| known == *version))
    {
        let reason = format!(
            "the database has migration `{unknown}`, which this agora ({}) does not know: \
             it was written by a newer one; use that, or restore a backup",
            env!("CARGO_PKG_VERSION")
        );
        return Err(database_error(OPERATION, reason));
    }
    let status = known
        .into_iter()
        .map(|(version, name)| MigrationStatus { applied: applied.contains(&version), name });
    Ok(status.collect())
}

/// Runs every migration the database does not have, and names them.
pub fn migrate_up(conn: &mut Connection) -> Result<Vec<String>, StoreError> {
    locked(conn, |conn| {
        let missing = migrate_status(conn)?.into_iter().filter(|migration| !migration.applied);
        let missing: Vec<String> = missing.map(|migration| migration.name).collect();
        if !missing.is_empty() {
            match conn {
                Connection::Sqlite(conn) => conn.run_pending_migrations(SQLITE).map(drop),
                Connection::Postgres(conn) => conn.run_pending_migrations(POSTGRES).map(drop),
            }
            .during(OPERATION)?;
        }
        Ok(missing)
    })
}

/// Undoes the newest migration, with all data it holds; answers with its number.
pub fn migrate_down(conn: &mut Connection) -> Result<String, StoreError> {
    locked(conn, |conn| {
        migrate_status(conn)?;
        match conn {
            Connection::Sqlite(conn) => conn.revert_last_migration(SQLITE),
            Connection::Postgres(conn) => conn.revert_last_migration(POSTGRES),
        }
        .map(|version| version.to_string())
        .during("undoing the newest migration")
    })
}

fn locked<R>(
    conn: &mut Connection,
    work: impl FnOnce(&mut Connection) -> Result<R, StoreError>,
) -> Result<R, StoreError> {
    lock(conn, "pg_advisory_lock")?;
    let answer = work(conn);
    let unlocked = lock(conn, "pg_advisory_unlock");
    answer.and_then(|answer| unlocked.map(|()| answer))
}

fn lock(conn: &mut Connection, function: &str) -> Result<(), StoreError> {
    match conn {
        Connection::Postgres(conn) => conn
            .batch_execute(&format!("SELECT {function}({MIGRATION_LOCK})"))
            .during("waiting for another process to migrate"),
        Connection::Sqlite(_) => Ok(()),
    }
}

fn known(conn: &Connection) -> Result<Vec<(String, String)>, StoreError> {
    let mut known: Vec<(String, String)> = match conn {
        Connection::Sqlite(_) => MigrationSource::<Sqlite>::migrations(&SQLITE)
            .during(OPERATION)?
            .iter()
            .map(|one| (one.name().version().to_string(), one.name().to_string()))
            .collect(),
        Connection::Postgres(_) => MigrationSource::<Pg>::migrations(&POSTGRES)
            .during(OPERATION)?
            .iter()
            .map(|one| (one.name().version().to_string(), one.name().to_string()))
            .collect(),
    };
    known.sort();
    Ok(known)
}

fn applied(conn: &mut Connection) -> Result<Vec<String>, StoreError> {
    let applied = match conn {
        Connection::Sqlite(conn) => conn.applied_migrations(),
        Connection::Postgres(conn) => conn.applied_migrations(),
    };
    Ok(applied.during(OPERATION)?.iter().map(ToString::to_string).collect())
}
