//! Copies of the worker: whatever happens in one is gone with it.

use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{ExitStatus, exit};

use fork::{Fork, fork, waitpid};

use super::frame::Ended;
use super::sandbox;

/// How a copy ends that lost its worker or the parent of both, or that panicked.
pub(super) const EXIT_ALONE: i32 = 70;

/// Does `work` in a copy of this process and waits for its end; `work` says with which code.
///
/// `None` when the system refuses another process.
#[expect(clippy::exit, reason = "what comes after the work is the worker's, not the copy's")]
pub(super) fn in_a_copy(work: impl FnOnce() -> i32) -> Option<Ended> {
    let worker = nix::unistd::getpid();
    match fork().ok()? {
        Fork::Parent(copy) => waitpid(copy).ok().map(ExitStatus::from_raw).map(Ended::from),
        Fork::Child => {
            if !sandbox::follow(worker) {
                exit(EXIT_ALONE);
            }
            // Nothing of the worker that called may go on in here.
            exit(catch_unwind(AssertUnwindSafe(work)).unwrap_or(EXIT_ALONE))
        }
    }
}
