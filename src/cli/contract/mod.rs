//! `agora contract`: contracts without a network.

mod arguments;
mod lint;
mod report;
mod run;

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::{CliError, EXIT_OK, say};
use crate::domain::{Bytes, Code};
use crate::execution::Executor;
use crate::execution::nondeterminism::Services;
use crate::execution::python::{PythonExecutor, PythonSettings, examples};

#[derive(Debug, Subcommand)]
pub(super) enum ContractCommand {
    /// List the example contracts, or print one: `agora contract examples key_value_store`.
    Examples {
        /// Which one to print.
        name: Option<String>,
    },
    /// Describe the public methods of a contract file, as JSON.
    Schema {
        /// The Python file.
        file: PathBuf,
    },
    Lint(lint::LintArguments),
    Run(run::RunArguments),
}

pub(super) fn run(command: &ContractCommand) -> Result<u8, CliError> {
    match command {
        ContractCommand::Examples { name: None } => {
            for example in examples() {
                say(format_args!("{:<18} {}", example.name, example.summary));
            }
        }
        ContractCommand::Examples { name: Some(name) } => say(example(name)?.trim_end()),
        ContractCommand::Schema { file } => say(schema(file)?),
        ContractCommand::Lint(arguments) => return lint::run(arguments),
        ContractCommand::Run(arguments) => return run::run(arguments),
    }
    Ok(EXIT_OK)
}

fn example(name: &str) -> Result<&'static str, CliError> {
    examples().iter().find(|example| example.name == name).map(|example| example.source).ok_or_else(
        || {
            let names: Vec<_> = examples().iter().map(|example| example.name).collect();
            format!("no example `{name}`; there are: {}", names.join(", ")).into()
        },
    )
}

fn schema(file: &Path) -> Result<String, CliError> {
    let code = read(file)?;
    let executor = executor(Services::none())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let schema = runtime.block_on(executor.schema(code))??;
    Ok(serde_json::to_string_pretty(&schema)?)
}

/// A file as code.
fn read(file: &Path) -> Result<Code, CliError> {
    let source = std::fs::read(file)
        .map_err(|error| format!("cannot read `{}`: {error}", file.display()))?;
    Ok(Code::new(Bytes::from(source)))
}

fn executor(services: Services) -> Result<PythonExecutor, CliError> {
    Ok(PythonExecutor::start(PythonSettings::new(std::env::current_exe()?), services)?)
}
