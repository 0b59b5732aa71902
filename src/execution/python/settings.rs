//! How contract workers are run, and which locks hold in them.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::frame::Locks;

/// How contract workers are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonSettings {
    /// Most workers that compute at a time; at least 1.
    pub workers_max: usize,
    /// Most jobs at a time, those included that wait for a model or the web; at least as many as
    /// workers. Each needs a process of its own.
    pub jobs_max: usize,
    /// Memory a contract may use beyond what an idle worker has, in bytes.
    pub memory_limit_bytes: u64,
    /// Elapsed time after which the extraction of a schema is given up.
    pub schema_time_limit: Duration,
    /// Elapsed time a worker may take to warm up.
    pub start_time_limit: Duration,
    /// Refuse to run contracts where a lock of the sandbox is missing.
    pub require_sandbox: bool,
    /// The binary that is run with the argument `worker`.
    pub program: PathBuf,
}

impl PythonSettings {
    /// As many workers as processors (at least 2) of 512 MiB each, from the given binary, and eight
    /// times as many jobs.
    pub fn new(program: PathBuf) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            workers_max: cores.max(2),
            jobs_max: 8 * cores.max(2),
            memory_limit_bytes: 512 << 20,
            schema_time_limit: Duration::from_secs(10),
            start_time_limit: Duration::from_secs(30),
            require_sandbox: false,
            program,
        }
    }
}

/// Which locks hold in contract workers; all false until the first worker is warm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each lock is there or is not")]
pub struct SandboxReport {
    /// A worker has reported.
    pub known: bool,
    /// No files, by Landlock.
    pub landlock: bool,
    /// An allow-list of system calls, by seccomp.
    pub seccomp: bool,
    /// Limits of memory, files and processes.
    pub rlimits: bool,
    /// No new privileges.
    pub no_new_privs: bool,
}

impl SandboxReport {
    /// Do all locks hold?
    pub fn is_complete(&self) -> bool {
        self.known && self.missing().is_empty()
    }

    /// Names of the locks that do not hold.
    pub fn missing(&self) -> Vec<&'static str> {
        let locks = [
            ("landlock", self.landlock),
            ("seccomp", self.seccomp),
            ("rlimits", self.rlimits),
            ("no_new_privs", self.no_new_privs),
        ];
        locks.into_iter().filter(|(_, holds)| !holds).map(|(name, _)| name).collect()
    }
}

impl From<Locks> for SandboxReport {
    fn from(locks: Locks) -> Self {
        Self {
            known: true,
            landlock: locks.landlock,
            seccomp: locks.seccomp,
            rlimits: locks.rlimits,
            no_new_privs: locks.no_new_privs,
        }
    }
}
