//! What subscribers can learn.

use serde::{Deserialize, Serialize};

use super::{Address, AppealKind, Status, Timestamp, TxHash};

/// Something that happened and is stored (law 10): events are published after their change is
/// durable, in its order, and can be replayed from any cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Position in the network's one sequence of events.
    pub cursor: i64,
    /// When it happened.
    pub at: Timestamp,
    /// The transaction it is about.
    pub transaction: TxHash,
    /// The contract or account whose queue the transaction is in.
    pub address: Address,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

impl Event {
    /// May it change what is known of a transaction? A restore may change all there is.
    pub fn concerns(&self, transaction: TxHash) -> bool {
        self.transaction == transaction || matches!(self.kind, EventKind::NetworkRestored { .. })
    }
}

/// The closed set of things that happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// A transaction was stored.
    TransactionSubmitted,
    /// A transaction's status changed.
    StatusChanged {
        /// The new status.
        status: Status,
        /// The leader's turn it changed in, for statuses of a round.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        rotation: Option<u8>,
    },
    /// A decision was appealed.
    AppealOpened {
        /// Which kind of appeal.
        kind: AppealKind,
        /// Who challenges the decision.
        appellant: Address,
    },
    /// An appeal was decided.
    AppealClosed {
        /// Which kind of appeal.
        kind: AppealKind,
        /// It overturned the decision.
        successful: bool,
    },
    /// The network is another one now: as it was when a snapshot was made. About no transaction
    /// and no address, which are zero; what earlier events told since that snapshot is undone.
    NetworkRestored {
        /// Which snapshot.
        snapshot: i64,
    },
}
