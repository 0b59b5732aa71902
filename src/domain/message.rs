//! What a contract asks the network to do after it ran.

use alloy_primitives::{Bytes, U256};
use serde::{Deserialize, Serialize};

use super::{Address, Amount};

/// When a message becomes a transaction of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// As soon as the transaction that sent it is ACCEPTED.
    Accepted,
    /// Once that transaction is FINALIZED.
    Finalized,
}

impl Trigger {
    /// The name on every wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Finalized => "finalized",
        }
    }

    /// The trigger of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Accepted, Self::Finalized].into_iter().find(|trigger| trigger.name() == name)
    }
}

/// What a message does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MessageBody {
    /// Calls a method of another contract; without a method name it only hands over the value.
    Call {
        /// Which contract.
        to: Address,
        /// Method and arguments.
        calldata: Bytes,
    },
    /// Puts a new contract on the network.
    Deploy {
        /// The Python source.
        code: Bytes,
        /// Arguments of the constructor.
        calldata: Bytes,
        /// Fixes the new contract's address; without one the message's own hash does.
        salt: Option<U256>,
    },
    /// Moves value to an account. Accounts cannot give it back, so this waits for finality.
    Transfer {
        /// Which account.
        to: Address,
    },
}

/// A message a contract emitted: it becomes a child transaction of the one that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmittedMessage {
    /// When it is sent.
    pub on: Trigger,
    /// Value that moves with it; the contract pays when the message is accepted.
    pub value: Amount,
    /// What it does.
    #[serde(flatten)]
    pub body: MessageBody,
}

impl EmittedMessage {
    /// When it really is sent: a transfer never before finality.
    pub const fn trigger(&self) -> Trigger {
        match self.body {
            MessageBody::Transfer { .. } => Trigger::Finalized,
            MessageBody::Call { .. } | MessageBody::Deploy { .. } => self.on,
        }
    }
}
