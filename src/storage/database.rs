//! Opening a database: who may, with which settings, and the connections to it.

use std::borrow::Cow;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::r2d2::R2D2Connection;
use diesel::{Connection as _, PgConnection, SqliteConnection};

use super::Connection;
use super::failure::{During, database_error};
use super::migrations;
use crate::domain::ledger::StoreError;

/// How long a reader is waited for when all are busy.
const READER_TIMEOUT: Duration = Duration::from_secs(10);

/// How a database is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseOptions {
    /// Connections for reading, at most.
    pub readers: u32,
    /// How long SQLite waits for a lock of another connection.
    pub busy_timeout: Duration,
    /// Every commit survives a loss of power; otherwise only a crash of the process (SQLite).
    pub synchronous_full: bool,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self { readers: 4, busy_timeout: Duration::from_secs(5), synchronous_full: true }
    }
}

/// Where a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Location {
    Postgres(String),
    Sqlite(PathBuf),
    /// SQLite in the memory of this process; it lasts as long as any connection to its name.
    Memory(String),
}

impl Location {
    fn connect(&self) -> Result<Connection, StoreError> {
        const OPERATION: &str = "connecting";
        match self {
            Self::Postgres(url) => {
                PgConnection::establish(url).map(Connection::Postgres).during(OPERATION)
            }
            Self::Sqlite(_) | Self::Memory(_) => {
                let name = self.sqlite_name();
                SqliteConnection::establish(&name)
                    .map(Connection::Sqlite)
                    .map_err(|error| database_error(OPERATION, format!("`{name}`: {error}")))
            }
        }
    }
}

impl Location {
    fn sqlite_name(&self) -> Cow<'_, str> {
        match self {
            Self::Postgres(url) => Cow::Borrowed(url),
            Self::Sqlite(path) => path.to_string_lossy(),
            Self::Memory(name) => Cow::Owned(format!("file:{name}?mode=memory&cache=shared")),
        }
    }
}

/// An open database, and on SQLite the right to be its only process.
#[derive(Debug)]
pub struct Database {
    location: Location,
    options: DatabaseOptions,
    readers: r2d2::Pool<ReaderManager>,
    /// Locked as long as the database is open.
    _process_lock: Option<File>,
    _temporary: Option<TemporaryFolder>,
}

impl Database {
    /// Opens the database at `url` and brings its tables up to date.
    ///
    /// `postgres://…` is PostgreSQL; `sqlite:PATH` or a plain path is SQLite, created when missing;
    /// `:memory:` or `sqlite::memory:` is a SQLite database that goes when it is closed.
    pub fn open(url: &str, options: DatabaseOptions) -> Result<Self, StoreError> {
        let (location, temporary) = locate(url)?;
        let process_lock = match &location {
            Location::Sqlite(path) => Some(lock_process(path)?),
            Location::Postgres(_) | Location::Memory(_) => None,
        };
        let mut writer = connect_writer(&location, options)?;
        migrations::migrate_up(&mut writer)?;
        let database = Self::with_readers(location, options, process_lock, temporary);
        drop(writer);
        database
    }

    /// A new database in the memory of this process, gone with the last [`Database`] on it.
    ///
    /// Readers would wait for the writer, so everything should go through one connection: it is
    /// for stores that work inline.
    pub fn in_memory() -> Result<Self, StoreError> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let name = format!("agora-{}", COUNTER.fetch_add(1, Ordering::Relaxed));
        let options = DatabaseOptions { readers: 1, ..DatabaseOptions::default() };
        let location = Location::Memory(name);
        let mut writer = connect_writer(&location, options)?;
        migrations::migrate_up(&mut writer)?;
        let database = Self::with_readers(location, options, None, None);
        drop(writer);
        database
    }

    /// The same database in memory once more; for others this is an error, as one process has
    /// them once.
    pub fn share(&self) -> Result<Self, StoreError> {
        match &self.location {
            Location::Memory(_) => {
                Self::with_readers(self.location.clone(), self.options, None, None)
            }
            Location::Postgres(_) | Location::Sqlite(_) => {
                Err(database_error("opening", "only a database in memory is shared like this"))
            }
        }
    }

    fn with_readers(
        location: Location,
        options: DatabaseOptions,
        process_lock: Option<File>,
        temporary: Option<TemporaryFolder>,
    ) -> Result<Self, StoreError> {
        let readers = r2d2::Pool::builder()
            .max_size(options.readers.max(1))
            .min_idle(Some(1))
            .connection_timeout(READER_TIMEOUT)
            .test_on_check_out(matches!(location, Location::Postgres(_)))
            .build(ReaderManager { location: location.clone(), options })
            .during("opening readers")?;
        Ok(Self { location, options, readers, _process_lock: process_lock, _temporary: temporary })
    }

    /// A new connection that may write; on SQLite there should be one at a time.
    pub fn writer(&self) -> Result<Connection, StoreError> {
        connect_writer(&self.location, self.options)
    }

    /// Connections that only read, for any thread.
    pub fn readers(&self) -> &r2d2::Pool<ReaderManager> {
        &self.readers
    }

    /// Can other processes work on this database at the same time?
    pub fn is_shared(&self) -> bool {
        matches!(self.location, Location::Postgres(_))
    }
}

/// A connection for the `migrate` commands: nothing is migrated by connecting.
///
/// On SQLite it also answers with the lock that keeps other processes out while it is held.
pub fn connect_unmigrated(
    url: &str,
    options: DatabaseOptions,
) -> Result<(Connection, Option<File>), StoreError> {
    let (location, _temporary) = locate(url)?;
    let lock = match &location {
        Location::Sqlite(path) => Some(lock_process(path)?),
        Location::Postgres(_) | Location::Memory(_) => None,
    };
    Ok((connect_writer(&location, options)?, lock))
}

/// Does the database still answer on this connection?
pub fn is_alive(conn: &mut Connection) -> bool {
    conn.batch_execute("SELECT 1").is_ok()
}

/// Moves everything from SQLite's write-ahead log into the database file; nothing on PostgreSQL.
pub fn checkpoint(conn: &mut Connection) -> Result<(), StoreError> {
    match conn {
        Connection::Sqlite(conn) => conn
            .batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")
            .during("moving the write-ahead log into the database"),
        Connection::Postgres(_) => Ok(()),
    }
}

/// Makes the pool's read-only connections.
#[derive(Debug)]
pub struct ReaderManager {
    location: Location,
    options: DatabaseOptions,
}

impl r2d2::ManageConnection for ReaderManager {
    type Connection = Connection;
    type Error = StoreError;

    fn connect(&self) -> Result<Connection, StoreError> {
        let mut conn = self.location.connect()?;
        let settings = match &self.location {
            Location::Sqlite(_) | Location::Memory(_) => format!(
                "PRAGMA busy_timeout = {}; PRAGMA query_only = ON;",
                self.options.busy_timeout.as_millis()
            ),
            Location::Postgres(_) => {
                "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY".to_owned()
            }
        };
        conn.batch_execute(&settings).during("setting up a reader")?;
        Ok(conn)
    }

    fn is_valid(&self, conn: &mut Connection) -> Result<(), StoreError> {
        conn.ping().during("asking a reader for a sign of life")
    }

    fn has_broken(&self, conn: &mut Connection) -> bool {
        std::thread::panicking() || conn.is_broken()
    }
}

fn connect_writer(location: &Location, options: DatabaseOptions) -> Result<Connection, StoreError> {
    let mut conn = location.connect()?;
    if matches!(location, Location::Sqlite(_) | Location::Memory(_)) {
        let synchronous = if options.synchronous_full { "FULL" } else { "NORMAL" };
        let settings = format!(
            "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; \
             PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4000;",
            options.busy_timeout.as_millis()
        );
        conn.batch_execute(&settings).during("setting up the writer")?;
    }
    Ok(conn)
}

fn locate(url: &str) -> Result<(Location, Option<TemporaryFolder>), StoreError> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok((Location::Postgres(url.to_owned()), None));
    }
    let path = url.strip_prefix("sqlite:").unwrap_or(url);
    let path = path.strip_prefix("//").unwrap_or(path);
    match path {
        "" => Err(database_error("opening", format!("`{url}` names no database"))),
        ":memory:" => {
            // Readers cannot share a database that is only in memory without blocking the writer.
            let folder = TemporaryFolder::create()?;
            Ok((Location::Sqlite(folder.0.join("agora.sqlite")), Some(folder)))
        }
        path if path.contains("://") => {
            let reason = format!("`{}` is neither a file nor a postgres:// address", scheme(path));
            Err(database_error("opening", reason))
        }
        path => Ok((Location::Sqlite(PathBuf::from(path)), None)),
    }
}

/// What comes before `://`: the rest may hold a password.
fn scheme(url: &str) -> &str {
    url.split("://").next().unwrap_or_default()
}

/// Takes the lock file next to the database, which the system frees however the process ends.
fn lock_process(path: &Path) -> Result<File, StoreError> {
    const OPERATION: &str = "locking the database for this process";
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name)
        .map_err(|error| database_error(OPERATION, format!("`{}`: {error}", name.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let reason = format!(
                "another agora is running on `{}` (it holds `{}`); stop it, or use PostgreSQL, \
                 which several processes can share",
                path.display(),
                name.display()
            );
            Err(database_error(OPERATION, reason))
        }
        Err(TryLockError::Error(error)) => {
            Err(database_error(OPERATION, format!("`{}`: {error}", name.display())))
        }
    }
}

/// A folder that is deleted with the value.
#[derive(Debug)]
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    fn create() -> Result<Self, StoreError> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let name = format!("agora-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(database_error("creating a temporary database", error)),
            }
        }
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            log::warn!("`{}` could not be deleted: {error}", self.0.display());
        }
    }
}
