//! `agora migrate`: the version of the database's tables.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{CliError, EXIT_OK, say};
use crate::storage::{
    DatabaseOptions, connect_unmigrated, migrate_down, migrate_status, migrate_up,
};

#[derive(Debug, Args)]
pub(super) struct MigrateArguments {
    /// What to do.
    #[arg(value_enum, default_value_t = Action::Status)]
    action: Action,
    /// Folder of the embedded database.
    #[arg(long, env = "AGORA_DATA_DIR", default_value = "agora-data", value_name = "DIR")]
    data_dir: PathBuf,
    /// PostgreSQL instead of the embedded database.
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Action {
    /// List the migrations and which of them are done.
    Status,
    /// Do all that are missing; `serve` does so by itself.
    Up,
    /// Take the newest one back. Its tables are dropped with what they hold.
    Down,
}

pub(super) fn run(arguments: &MigrateArguments) -> Result<u8, CliError> {
    let url = match &arguments.database_url {
        Some(url) => url.clone(),
        None => super::serve::sqlite_path(&arguments.data_dir)?,
    };
    let (mut conn, _lock) = connect_unmigrated(&url, DatabaseOptions::default())?;
    match arguments.action {
        Action::Status => {
            for migration in migrate_status(&mut conn)? {
                let mark = if migration.applied { "done" } else { "missing" };
                say(format_args!("{mark:<8} {}", migration.name));
            }
        }
        Action::Up => {
            let done = migrate_up(&mut conn)?;
            say(if done.is_empty() { "nothing to do".to_owned() } else { done.join("\n") });
        }
        Action::Down => say(format_args!("taken back: {}", migrate_down(&mut conn)?)),
    }
    Ok(EXIT_OK)
}
