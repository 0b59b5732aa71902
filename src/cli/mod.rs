//! The command line: `agora serve` and its helpers.

mod banner;
pub mod config;
mod contract;
mod health;
mod migrate;
mod serve;
mod services;
mod simulate;
mod snapshot;

use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use config::{Config, Options};

/// Ended well.
const EXIT_OK: u8 = 0;
/// Something failed.
const EXIT_FAILURE: u8 = 1;
/// Something could not be read.
const EXIT_UNREADABLE: u8 = 2;
/// Something broke that a new process may mend; supervisors should restart.
const EXIT_RESTART: u8 = 70;

/// A local GenLayer network in one program.
///
/// Without a command it serves: `agora` starts a network on 127.0.0.1:4000 that keeps its data in
/// ./agora-data, with five validators and ten accounts with money.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArguments,
}

#[derive(Debug, Args)]
struct ServeArguments {
    /// Configuration file (TOML); ./agora.toml is read when it exists.
    #[arg(long, env = "AGORA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// More words in the log: -v for debug, -vv for trace. `RUST_LOG` says it in detail.
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the network (this is also what happens without a command).
    Serve(Box<ServeArguments>),
    /// Show the settings that `serve` would use, secrets masked.
    Config(Box<ServeArguments>),
    /// Look at contracts without a network.
    Contract {
        #[command(subcommand)]
        command: contract::ContractCommand,
    },
    /// Look at or change the version of the database's tables.
    Migrate(migrate::MigrateArguments),
    Simulate(Box<simulate::SimulateArguments>),
    /// Make, restore, export, import and fork snapshots of a whole network.
    ///
    /// On the embedded database these work while no server has it open; a running server does the
    /// same at /v1/snapshots. On PostgreSQL they work beside running servers, which follow.
    Snapshot(snapshot::SnapshotArguments),
    /// Ask a running network whether it is ready; ends with 0 when it is, else with 1.
    Health(health::HealthArguments),
    /// Runs contracts for a server; not for people.
    #[command(hide = true)]
    Worker {
        /// Memory of one execution, in bytes.
        memory_limit: Option<u64>,
    },
}

/// Parses the command line, does what it says and returns the process's exit code.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let command = cli.command.unwrap_or(Command::Serve(Box::new(cli.serve)));
    let done = match command {
        Command::Worker { .. } => return crate::execution::python::worker_main(),
        Command::Serve(arguments) => serve::serve(*arguments),
        Command::Config(arguments) => show_config(*arguments),
        Command::Contract { command } => contract::run(&command),
        Command::Migrate(arguments) => migrate::run(&arguments),
        Command::Simulate(arguments) => simulate::run(*arguments),
        Command::Snapshot(arguments) => snapshot::run(arguments),
        Command::Health(arguments) => health::run(&arguments),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say_error(&error);
            ExitCode::from(EXIT_FAILURE)
        }
    }
}

/// Any error, on its way to the person at the terminal.
type CliError = Box<dyn std::error::Error>;

impl ServeArguments {
    fn config(self) -> Result<Config, CliError> {
        let file = config::read_file(self.config.as_deref())?;
        Ok(Config::new(self.options.or(file))?)
    }
}

fn show_config(arguments: ServeArguments) -> Result<u8, CliError> {
    let config = arguments.config()?;
    say(&toml::to_string_pretty(&config.shown())?);
    Ok(EXIT_OK)
}

/// Writes a line to standard output; a closed pipe is no error of ours.
fn say(text: impl Display) {
    let _closed = writeln!(std::io::stdout(), "{text}");
}

/// [`say`] on standard error, where standard output holds something else.
fn say_aside(text: impl Display) {
    let _closed = writeln!(std::io::stderr(), "{text}");
}

/// Writes an error and its causes, one a line.
fn say_error(error: &CliError) {
    let mut stderr = std::io::stderr();
    let _closed = writeln!(stderr, "error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let _closed = writeln!(stderr, "  caused by: {error}");
        cause = error.source();
    }
}
