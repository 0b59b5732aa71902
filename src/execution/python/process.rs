//! One worker process, as its parent sees it.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::frame::{Ended, FROM_WORKER_BYTES_MAX, FromWorker, Locks, ToWorker};
use super::settings::PythonSettings;
use crate::domain::Digest;

/// One worker process. Dropping it kills the process; a thread of the runtime reaps it.
#[derive(Debug)]
pub(super) struct Worker {
    /// The code of its last job, for which it may have a process that saw nothing else.
    pub(super) code: Option<Digest>,
    socket: UnixStream,
    child: Option<Child>,
}

/// Why a worker could not be talked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// The socket closed: the process ended, or is about to.
    Ended,
    /// It said something that makes no sense.
    Senseless,
}

impl Worker {
    /// Starts a process; it warms up while the caller does other things, and then says hello.
    pub(super) fn spawn(settings: &PythonSettings) -> io::Result<Self> {
        let (own, theirs) = std::os::unix::net::UnixStream::pair()?;
        own.set_nonblocking(true)?;
        let child = Command::new(&settings.program)
            .arg("worker")
            .arg(settings.memory_limit_bytes.to_string())
            .env_clear()
            .env("TZ", "UTC0")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut worker = Self { code: None, socket: UnixStream::from_std(own)?, child: None };
        worker.child = Some(child);
        Ok(worker)
    }

    /// Does the process still run? One that waits could have been killed from outside.
    pub(super) fn is_alive(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Waits for the worker to be warm and locked.
    pub(super) async fn hello(&mut self) -> Result<Locks, Lost> {
        match self.receive().await? {
            FromWorker::Hello(locks) => Ok(locks),
            _ => Err(Lost::Senseless),
        }
    }

    /// Sends a frame.
    pub(super) async fn send(&mut self, frame: &ToWorker) -> Result<(), Lost> {
        self.socket.write_all(&frame.encode()).await.ok().ok_or(Lost::Ended)
    }

    /// Waits for a frame.
    pub(super) async fn receive(&mut self) -> Result<FromWorker, Lost> {
        let mut length = [0; 4];
        self.socket.read_exact(&mut length).await.ok().ok_or(Lost::Ended)?;
        let length = usize::try_from(u32::from_le_bytes(length)).ok().ok_or(Lost::Senseless)?;
        if length > FROM_WORKER_BYTES_MAX {
            return Err(Lost::Senseless);
        }
        // Grows with what arrives: a length alone must not allocate.
        let mut body = Vec::with_capacity(length.min(1 << 16));
        let limit = u64::try_from(length).unwrap_or(u64::MAX);
        let read = (&mut self.socket).take(limit).read_to_end(&mut body).await;
        if read.ok().ok_or(Lost::Ended)? < length {
            return Err(Lost::Ended);
        }
        FromWorker::decode(&body).ok_or(Lost::Senseless)
    }

    /// Waits for the end of a process whose socket closed, and says how it ended.
    pub(super) async fn ending(mut self) -> Option<Ended> {
        let child = self.child.take()?;
        let waited = tokio::task::spawn_blocking(move || reap(child, false)).await;
        waited.ok().flatten().map(Ended::from)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let Some(child) = self.child.take() else { return };
        // Waiting may take as long as the system needs to free the memory: not on this thread.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || reap(child, true))),
            Err(_) => drop(reap(child, true)),
        }
    }
}

/// Ends a process and waits for it; one whose socket is closed gets a moment to end by itself.
fn reap(mut child: Child, kill: bool) -> Option<ExitStatus> {
    if kill {
        // Fails only when the process has ended already.
        let _ = child.kill();
    }
    child.wait().ok()
}
