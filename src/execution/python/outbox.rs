//! What the running contract sends: its messages so far, and the money they take.

use crate::domain::{Address, Amount, EmittedMessage, MessageBody, U256};

/// Most messages one execution may send.
pub(super) const MESSAGES_MAX: usize = 256;
/// Most bytes of code and calldata all of them may have together: as much as a result may have.
pub(super) const MESSAGES_BYTES_MAX: usize = 1 << 20;

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum OutboxError {
    /// This execution must not send.
    #[error("{0}")]
    Refused(String),
    /// Nothing of the contract runs that could send.
    #[error(
        "messages can be sent only by methods and the constructor, not while the file is loaded"
    )]
    NotYet,
    /// One message more than allowed.
    #[error("one call can send at most {MESSAGES_MAX} messages")]
    TooMany,
    /// More code and arguments than allowed.
    #[error(
        "the messages of one call can have at most {MESSAGES_BYTES_MAX} bytes of code and \
         arguments, not {bytes}"
    )]
    TooLarge {
        /// What all messages would have.
        bytes: usize,
    },
    /// More value than the contract has left.
    #[error("`value` is {value}, but the contract has only {left}{}", taken(.spent))]
    TooPoor {
        /// What the message would take.
        value: U256,
        /// What is there.
        left: U256,
        /// What earlier messages took.
        spent: U256,
    },
}

fn taken(spent: &U256) -> String {
    if spent.is_zero() {
        return String::new();
    }
    format!(": earlier messages of this call take {spent}")
}

/// May messages be sent?
#[derive(Debug, Clone)]
pub(super) enum Gate {
    /// Not before a method or the constructor begins.
    Closed,
    /// Yes.
    Open,
    /// No, and nothing changes that.
    Refused(String),
}

/// The messages of one execution.
#[derive(Debug)]
pub(super) struct Outbox {
    gate: Gate,
    contract: Address,
    chain_id: u64,
    balance: U256,
    spent: U256,
    bytes: usize,
    messages: Vec<EmittedMessage>,
}

/// How much was sent at some moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    count: usize,
    bytes: usize,
    spent: U256,
}

/// How many bytes a message counts.
pub(super) fn weight(body: &MessageBody) -> usize {
    match body {
        MessageBody::Call { calldata, .. } => calldata.len(),
        MessageBody::Deploy { code, calldata, .. } => code.len() + calldata.len(),
        MessageBody::Transfer { .. } => 0,
    }
}

/// The value of all messages; `None` when it is more than there can be.
pub(super) fn total_value(messages: &[EmittedMessage]) -> Option<U256> {
    messages.iter().try_fold(U256::ZERO, |sum, message| sum.checked_add(message.value.get()))
}

impl Outbox {
    /// An empty outbox of a contract that has `balance`; closed until [`Outbox::allow`].
    pub(super) const fn new(contract: Address, chain_id: u64, balance: U256) -> Self {
        Self {
            gate: Gate::Closed,
            contract,
            chain_id,
            balance,
            spent: U256::ZERO,
            bytes: 0,
            messages: Vec::new(),
        }
    }

    /// Lets messages be sent, unless they were refused for good.
    pub(super) fn allow(&mut self) {
        if matches!(self.gate, Gate::Closed) {
            self.gate = Gate::Open;
        }
    }

    /// Refuses all messages, for this reason; the first reason stays.
    pub(super) fn refuse(&mut self, reason: String) {
        if !matches!(self.gate, Gate::Refused(_)) {
            self.gate = Gate::Refused(reason);
        }
    }

    /// May messages be sent?
    pub(super) const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// From now on messages may be sent, or not.
    pub(super) fn set_gate(&mut self, gate: Gate) {
        self.gate = gate;
    }

    /// How much was sent until now.
    pub(super) const fn mark(&self) -> Mark {
        Mark { count: self.messages.len(), bytes: self.bytes, spent: self.spent }
    }

    /// Takes back what was sent since.
    pub(super) fn restore(&mut self, mark: Mark) {
        self.messages.truncate(mark.count);
        (self.bytes, self.spent) = (mark.bytes, mark.spent);
    }

    /// What the contract has left.
    pub(super) fn balance(&self) -> U256 {
        self.balance.saturating_sub(self.spent)
    }

    /// Where a deployment with this salt puts its contract.
    pub(super) fn address_of(&self, salt: U256) -> Address {
        Address::of_salted_deployment(&self.contract, salt, self.chain_id)
    }

    /// May anything be sent now?
    pub(super) fn check(&self) -> Result<(), OutboxError> {
        match &self.gate {
            Gate::Open => Ok(()),
            Gate::Closed => Err(OutboxError::NotYet),
            Gate::Refused(reason) => Err(OutboxError::Refused(reason.clone())),
        }
    }

    /// Takes a message and its value, or leaves everything as it is.
    pub(super) fn send(&mut self, message: EmittedMessage) -> Result<(), OutboxError> {
        self.check()?;
        if self.messages.len() >= MESSAGES_MAX {
            return Err(OutboxError::TooMany);
        }
        let bytes = self.bytes.saturating_add(weight(&message.body));
        if bytes > MESSAGES_BYTES_MAX {
            return Err(OutboxError::TooLarge { bytes });
        }
        let (value, left) = (message.value.get(), self.balance());
        if value > left {
            return Err(OutboxError::TooPoor { value, left, spent: self.spent });
        }
        self.spent = self.spent.saturating_add(value);
        self.bytes = bytes;
        self.messages.push(message);
        Ok(())
    }

    /// Everything that was sent, in order.
    pub(super) fn into_messages(self) -> Vec<EmittedMessage> {
        self.messages
    }
}

/// May a worker report these messages of an execution that had `balance`? A reader sends none.
pub(super) fn are_payable(messages: &[EmittedMessage], is_reader: bool, balance: Amount) -> bool {
    let total = total_value(messages);
    messages.is_empty() || (!is_reader && total.is_some_and(|total| total <= balance.get()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Bytes, Trigger};

    fn outbox(balance: u64) -> Outbox {
        Outbox::new(Address::ZERO, 1, U256::from(balance))
    }

    fn message(value: U256, bytes: usize) -> EmittedMessage {
        let calldata = Bytes::from(vec![0; bytes]);
        let body = MessageBody::Call { to: Address::ZERO, calldata };
        EmittedMessage { on: Trigger::Accepted, value: Amount::new(value), body }
    }

    #[test]
    fn a_message_that_is_not_sent_takes_nothing() {
        let mut outbox = outbox(10);
        outbox.allow();
        let (value, left) = (U256::from(11), U256::from(10));
        let too_poor = OutboxError::TooPoor { value, left, spent: U256::ZERO };
        assert_eq!(outbox.send(message(value, 0)), Err(too_poor));
        let too_large = OutboxError::TooLarge { bytes: MESSAGES_BYTES_MAX + 1 };
        let sent = outbox.send(message(U256::from(1), MESSAGES_BYTES_MAX + 1));
        assert_eq!(sent, Err(too_large));
        assert_eq!(outbox.balance(), left);
        assert_eq!(outbox.into_messages(), []);
    }

    #[test]
    fn a_refusal_cannot_be_taken_back() {
        let mut outbox = outbox(0);
        assert_eq!(outbox.send(message(U256::ZERO, 0)), Err(OutboxError::NotYet));
        outbox.refuse("reader".into());
        outbox.refuse("view".into());
        outbox.allow();
        let refused = OutboxError::Refused("reader".into());
        assert_eq!(outbox.send(message(U256::ZERO, 0)), Err(refused));
    }

    #[test]
    fn reported_messages_must_be_payable_and_not_a_readers() {
        let one = [message(U256::from(6), 0)];
        let two = [message(U256::from(6), 0), message(U256::from(5), 0)];
        let overflowing = [message(U256::MAX, 0), message(U256::from(1), 0)];
        assert!(are_payable(&one, false, Amount::from(10)));
        assert!(!are_payable(&one, true, Amount::from(10)));
        assert!(!are_payable(&two, false, Amount::from(10)));
        assert!(!are_payable(&overflowing, false, Amount::MAX));
        assert!(are_payable(&[], true, Amount::ZERO));
    }
}
