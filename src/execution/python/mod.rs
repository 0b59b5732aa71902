//! Contracts in Python: a pool of sandboxed worker processes.

use std::process::ExitCode;

/// What a worker process runs: serves executions on its standard input until it closes.
pub fn worker_main() -> ExitCode {
    ExitCode::FAILURE
}
