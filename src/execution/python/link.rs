//! The worker's end of the socket to its parent.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

use super::frame::{FromWorker, TO_WORKER_BYTES_MAX, ToWorker};
use super::store::Fetch;
use crate::domain::{Page, PageKey};

thread_local! {
    static LINK: RefCell<Option<Link>> = const { RefCell::new(None) };
}

/// Hands the link to the parent to this thread.
pub(super) fn set_link(link: Link) {
    LINK.set(Some(link));
}

/// Uses the link to the parent.
pub(super) fn with_link<T>(use_it: impl FnOnce(&mut Link) -> Option<T>) -> Option<T> {
    LINK.with_borrow_mut(|link| link.as_mut().and_then(use_it))
}

/// Asks the parent for pages.
#[derive(Debug)]
pub(super) struct Parent;

impl Fetch for Parent {
    fn fetch(&mut self, keys: &[PageKey]) -> Option<Vec<Page>> {
        with_link(|link| {
            link.send(&FromWorker::ReadPages(keys.to_vec())).ok()?;
            match link.receive()? {
                ToWorker::Pages(pages) => Some(pages),
                ToWorker::Job(_) | ToWorker::Code(_) | ToWorker::Answer(_) => None,
            }
        })
    }
}

/// The worker's end of the socket to its parent.
#[derive(Debug)]
pub(super) struct Link(UnixStream);

impl Link {
    /// Talks over this socket.
    pub(super) const fn new(socket: UnixStream) -> Self {
        Self(socket)
    }

    /// Sends one frame.
    pub(super) fn send(&mut self, frame: &FromWorker) -> io::Result<()> {
        self.0.write_all(&frame.encode())
    }

    /// Waits for the next frame; `None` when the parent is gone or does not make sense.
    pub(super) fn receive(&mut self) -> Option<ToWorker> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).ok()?;
        let length = usize::try_from(u32::from_le_bytes(length)).ok()?;
        if length > TO_WORKER_BYTES_MAX {
            return None;
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).ok()?;
        ToWorker::decode(&body)
    }
}
