//! `agora snapshot`: the whole network, to go back to and to carry along.

use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use tokio::time::Instant;

use super::serve::sqlite_path;
use super::{CliError, EXIT_OK, say, say_aside};
use crate::actors::clock::NetworkClock;
use crate::domain::ledger::StoreError;
use crate::domain::{Clock, ClockReading, Digest, SnapshotRecord};
use crate::storage::DatabaseOptions;
use crate::storage::{self, BatchContext, CheckedSnapshot, Connection, Database, NewIdentity};

/// Pause between words about how far a work is.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(super) struct SnapshotArguments {
    #[command(subcommand)]
    command: SnapshotCommand,
}

/// Where the network is.
#[derive(Debug, Args)]
struct Place {
    /// Folder of the embedded database.
    #[arg(long, env = "AGORA_DATA_DIR", default_value = "agora-data", value_name = "DIR")]
    data_dir: PathBuf,
    /// PostgreSQL instead of the embedded database.
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
}

#[derive(Debug, Subcommand)]
enum SnapshotCommand {
    /// List the snapshots that are kept.
    List(Place),
    /// Make a snapshot of the network as it is, and say its number.
    Create(Place),
    /// Set the network back to a snapshot; later snapshots are deleted.
    Restore {
        /// The snapshot's number.
        id: i64,
        #[command(flatten)]
        place: Place,
    },
    /// Delete a snapshot, or all of them.
    Delete {
        /// The snapshot's number; without one, all are deleted.
        id: Option<i64>,
        #[command(flatten)]
        place: Place,
    },
    /// Write the network as it is, or a snapshot, to a file. The file holds the network's seed.
    Export {
        /// The file, which must not exist yet.
        file: PathBuf,
        /// A snapshot's number, instead of the network as it is.
        #[arg(long, value_name = "ID")]
        snapshot: Option<i64>,
        #[command(flatten)]
        place: Place,
    },
    /// Keep an exported file as a snapshot of the network it is of, and say its number.
    ///
    /// A network that has another seed or chain id takes none of it: see `agora snapshot fork`.
    Import {
        /// The file.
        file: PathBuf,
        /// Set the network back to it at once.
        #[arg(long)]
        restore: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Make a new network of an exported file: the same history, from there on its own.
    Fork {
        /// The file.
        file: PathBuf,
        /// Where the new network shall be: a folder (as `--data-dir` of `serve`), or postgres://….
        #[arg(long, value_name = "NEW")]
        database: String,
        /// Everything random derives from it: `0x` and 64 hexadecimal digits; the same by default.
        #[arg(long, value_name = "HEX")]
        seed: Option<Digest>,
        /// Part of the hash of every new transaction; the same by default.
        #[arg(long, value_name = "ID", value_parser = clap::value_parser!(u64).range(..=i64::MAX.unsigned_abs()))]
        chain_id: Option<u64>,
    },
}

pub(super) fn run(arguments: SnapshotArguments) -> Result<u8, CliError> {
    match arguments.command {
        SnapshotCommand::List(place) => list(&mut place.open()?)?,
        SnapshotCommand::Create(place) => create(&mut place.open()?)?,
        SnapshotCommand::Restore { id, place } => restore(&mut place.open()?, id)?,
        SnapshotCommand::Delete { id, place } => delete(&mut place.open()?, id)?,
        SnapshotCommand::Export { file, snapshot, place } => {
            export(&mut place.open()?, &file, snapshot)?;
        }
        SnapshotCommand::Import { file, restore, place } => {
            import(&mut place.open()?, &file, restore)?;
        }
        SnapshotCommand::Fork { file, database, seed, chain_id } => {
            fork(&file, &database, NewIdentity { seed, chain_id })?;
        }
    }
    Ok(EXIT_OK)
}

/// An open database, and what its network's clock shows.
struct Open {
    conn: Connection,
    present: ClockReading,
    /// On SQLite it keeps others out.
    _database: Database,
}

impl Place {
    fn open(&self) -> Result<Open, CliError> {
        let url = match &self.database_url {
            Some(url) => url.clone(),
            None => sqlite_path(&self.data_dir)?,
        };
        Open::at(&url)
    }
}

impl Open {
    fn at(url: &str) -> Result<Self, CliError> {
        let database = Database::open(url, DatabaseOptions::default()).map_err(|error| {
            format!(
                "{error}\nwhile a server runs, its own routes do this: see /docs of it, under snapshots"
            )
        })?;
        let mut conn = database.writer()?;
        let wall = match storage::shared_now(&mut conn)? {
            Some(wall) => wall,
            None => NetworkClock::start().now(),
        };
        let mut present = ClockReading { now: wall, wall, frozen: false };
        if storage::network_load(&mut conn)?.is_some() {
            let generation = storage::generation_load(&mut conn)?;
            present.now = generation.dial.reading(wall).max(generation.shown);
            present.frozen = generation.dial.frozen_at.is_some();
        }
        Ok(Self { conn, present, _database: database })
    }

    fn write<R>(
        &mut self,
        work: impl FnMut(&mut Connection, &mut BatchContext) -> Result<R, StoreError>,
    ) -> Result<R, CliError> {
        Ok(storage::batch(&mut self.conn, work)?.0)
    }

    /// Refuses a database without a network.
    fn check_network(&mut self) -> Result<(), CliError> {
        match storage::network_load(&mut self.conn)? {
            Some(_) => Ok(()),
            None => Err("there is no network here yet: `agora serve` begins one, and \
                         `agora snapshot fork` makes one of a file"
                .into()),
        }
    }
}

/// Tells, now and then, how far a long work is.
fn progress(what: &'static str) -> impl FnMut(&str, u64) {
    let mut told = Instant::now();
    move |table, rows| {
        if told.elapsed() >= PROGRESS_INTERVAL {
            told = Instant::now();
            say_aside(format_args!("{what}: {table}, {rows} rows"));
        }
    }
}

fn list(open: &mut Open) -> Result<(), CliError> {
    say(format_args!("{:>6}  {:>14}  {:>12}  {:>12}", "id", "created_at", "transactions", "bytes"));
    for SnapshotRecord { id, created_at, transactions, bytes } in
        storage::snapshot_list(&mut open.conn)?
    {
        let created_at = created_at.as_millis();
        say(format_args!("{id:>6}  {created_at:>14}  {transactions:>12}  {bytes:>12}"));
    }
    Ok(())
}

fn create(open: &mut Open) -> Result<(), CliError> {
    open.check_network()?;
    let (at, mut progress) = (open.present.now, progress("made"));
    let made = open.write(|conn, _| storage::snapshot_create_in_txn(conn, at, &mut progress))?;
    say(format_args!("snapshot {}: {} transactions", made.id, made.transactions));
    Ok(())
}

fn restore(open: &mut Open, id: i64) -> Result<(), CliError> {
    let (present, mut progress) = (open.present, progress("restored"));
    let restored = open.write(|conn, ctx| {
        storage::snapshot_restore_in_txn(conn, ctx, id, present, &mut progress)
    })?;
    if !restored {
        return Err(unknown(id));
    }
    say(format_args!("the network is as it was in snapshot {id}"));
    Ok(())
}

fn delete(open: &mut Open, id: Option<i64>) -> Result<(), CliError> {
    let deleted = match id {
        None => open.write(|conn, _| storage::snapshot_delete_all_in_txn(conn))?,
        Some(id) if open.write(|conn, _| storage::snapshot_delete_in_txn(conn, id))? => 1,
        Some(id) => return Err(unknown(id)),
    };
    say(format_args!("{deleted} deleted"));
    Ok(())
}

fn unknown(id: i64) -> CliError {
    format!("there is no snapshot {id}; `agora snapshot list` shows what there is").into()
}

fn export(open: &mut Open, path: &Path, snapshot: Option<i64>) -> Result<(), CliError> {
    open.check_network()?;
    if let Some(id) = snapshot
        && storage::snapshot_piece(&mut open.conn, id, 0)?.is_none()
    {
        return Err(unknown(id));
    }
    let unwritable = |error| format!("cannot write `{}`: {error}", path.display());
    let file = File::create_new(path).map_err(unwritable)?;
    let mut file = BufWriter::new(file);
    let written = match snapshot {
        None => export_present(open, &mut file),
        Some(id) => copy(open, id, &mut file),
    };
    let written = written.and_then(|()| Ok(file.flush().map_err(unwritable)?));
    let written = written.and_then(|()| Ok(file.get_ref().sync_all().map_err(unwritable)?));
    if written.is_err() {
        // Half a file is worse than none.
        let _left = std::fs::remove_file(path);
        return written;
    }
    let bytes = std::fs::metadata(path)?.len();
    say(format_args!("{bytes} bytes in {}", path.display()));
    Ok(())
}

fn export_present(open: &mut Open, file: &mut BufWriter<File>) -> Result<(), CliError> {
    let (at, mut progress) = (open.present.now, progress("written"));
    // A database that is asked again begins the file again.
    open.write(|conn, _| {
        let begun = file.flush().and_then(|()| begin_again(file.get_mut()));
        begun.map_err(|error| StoreError::Snapshot(error.to_string()))?;
        storage::snapshot_export_in_txn(conn, at, file, &mut progress)
    })
}

fn begin_again(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()
}

fn copy(open: &mut Open, id: i64, file: &mut BufWriter<File>) -> Result<(), CliError> {
    for number in 0.. {
        let Some(piece) = storage::snapshot_piece(&mut open.conn, id, number)? else { break };
        file.write_all(&piece)?;
    }
    Ok(())
}

/// A file that was read to its end and found good.
fn checked(path: &Path) -> Result<CheckedSnapshot<File>, CliError> {
    let file =
        File::open(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
    storage::snapshot_check(file, &mut progress("checked"))
        .map_err(|error| format!("`{}`: {error}", path.display()).into())
}

fn import(open: &mut Open, path: &Path, and_restore: bool) -> Result<(), CliError> {
    open.check_network()?;
    let mut snapshot = checked(path)?;
    let kept = open.write(|conn, _| storage::snapshot_import_in_txn(conn, &mut snapshot))?;
    say(format_args!("snapshot {}: {} transactions", kept.id, kept.transactions));
    if and_restore { restore(open, kept.id) } else { Ok(()) }
}

fn fork(path: &Path, database: &str, identity: NewIdentity) -> Result<(), CliError> {
    let mut snapshot = checked(path)?;
    let is_postgres = database.starts_with("postgres://") || database.starts_with("postgresql://");
    let url = if is_postgres { database.to_owned() } else { sqlite_path(Path::new(database))? };
    let mut open = Open::at(&url)?;
    let (present, mut progress) = (open.present, progress("filled"));
    open.write(|conn, ctx| {
        storage::snapshot_fork_in_txn(conn, ctx, &mut snapshot, identity, present, &mut progress)
    })?;
    let place =
        if is_postgres { "DATABASE_URL=…".to_owned() } else { format!("--data-dir {database}") };
    say(format_args!("a new network; `agora serve {place}` runs it"));
    Ok(())
}
