//! Who may stand between an inline store and its database.

use std::time::Duration;

use crate::domain::Event;
use crate::domain::ledger::StoreError;
use crate::storage::Connection;

/// What a request does to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It only reads.
    Read,
    /// It writes.
    Write,
}

/// Stands around an inline store: decides what reaches the database, and sees what was committed.
pub trait Overseer: Send {
    /// How long the next request takes; those behind it wait for their turn.
    fn delay(&mut self) -> Duration {
        Duration::ZERO
    }

    /// May a request reach the database? A refused write fails with the error; a refused read is
    /// not answered, which its asker sees as a closed store.
    fn admit(&mut self, _access: Access) -> Result<(), StoreError> {
        Ok(())
    }

    /// A batch was committed with these events, in their order.
    fn committed(&mut self, _conn: &mut Connection, _events: &[Event]) {}
}
