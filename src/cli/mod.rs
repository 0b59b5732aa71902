//! The command line: `agora serve`, `worker`, `contract`, ….

use std::process::ExitCode;

/// Parses the command line, does what it says and returns the process's exit code.
pub fn run() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        // The hidden command that every contract worker process runs.
        Some("worker") => crate::execution::python::worker_main(),
        _ => ExitCode::SUCCESS,
    }
}
