//! The contracts of a simulation: pure functions whose state folds every call.
//!
//! A contract has one page, and every call replaces it: `state' = keccak256(state ‖ seed)`, where
//! the seed follows from the transaction's hash. So one page shows which calls happened, how often
//! and in which order.

use alloy_primitives::U256;

use crate::domain::{
    Address, Amount, Bytes, Digest, EmittedMessage, Execution, ExecutionOutcome, MessageBody, Page,
    PageKey, Pages, SlotId, StateDelta, Trigger, TxHash, keccak256,
};

/// The page of the state.
pub(super) const PAGE: PageKey = PageKey { slot: SlotId(Digest::new([0; 32])), index: 0 };

/// The code of every contract.
pub(super) const CODE: &[u8] = b"fold";

const TOUCH: u8 = 1;

/// What a call sends besides folding, along with half of the value it came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sends {
    /// A call, on acceptance.
    Call,
    /// A call, on finality.
    CallWhenFinal,
    /// Value to an account.
    Transfer,
    /// A new contract, on acceptance.
    Deploy,
}

impl Sends {
    const ALL: [(u8, Self); 4] =
        [(2, Self::Call), (3, Self::CallWhenFinal), (4, Self::Transfer), (5, Self::Deploy)];

    const fn trigger(self) -> Trigger {
        match self {
            Self::Call | Self::Deploy => Trigger::Accepted,
            Self::CallWhenFinal | Self::Transfer => Trigger::Finalized,
        }
    }

    fn body(self, to: Address, calldata: Bytes) -> MessageBody {
        match self {
            Self::Call | Self::CallWhenFinal => MessageBody::Call { to, calldata },
            Self::Transfer => MessageBody::Transfer { to },
            Self::Deploy => {
                MessageBody::Deploy { code: Bytes::from_static(CODE), calldata, salt: None }
            }
        }
    }
}

/// Calldata of a call that only folds.
pub(super) fn touch() -> Bytes {
    Bytes::from_static(&[TOUCH])
}

/// Calldata of a call that folds and sends `what` to `other`, where `then` is the calldata.
pub(super) fn send(what: Sends, other: Address, then: &[u8]) -> Bytes {
    let code = Sends::ALL.iter().find(|(_, it)| *it == what).map_or(TOUCH, |(code, _)| *code);
    let mut calldata = vec![code];
    calldata.extend_from_slice(other.as_bytes());
    calldata.extend_from_slice(then);
    calldata.into()
}

/// What a transaction's executions derive everything from, as nodes compute it.
pub(super) fn seed_of(hash: &TxHash) -> Digest {
    keccak256(&[b"agora:execution", hash.as_bytes()])
}

/// What an honest execution gives. `state` is empty before the constructor.
pub(super) fn honest(state: &[u8], seed: &Digest, calldata: &[u8], value: Amount) -> Execution {
    let mut execution = ending(keccak256(&[state, seed.as_bytes()]));
    execution.messages.extend(message(calldata, value));
    execution
}

fn message(calldata: &[u8], value: Amount) -> Option<EmittedMessage> {
    let (code, rest) = calldata.split_first()?;
    let (_, what) = Sends::ALL.iter().find(|(it, _)| it == code)?;
    let (to, then) = rest.split_first_chunk::<20>()?;
    let body = what.body(Address::new(*to), Bytes::copy_from_slice(then));
    let half = Amount::new(value.get() / U256::from(2));
    Some(EmittedMessage { on: what.trigger(), value: half, body })
}

/// A wrong result; equal for equal `flavour`.
pub(super) fn wrong(state: &[u8], seed: &Digest, flavour: &[u8]) -> Execution {
    ending(keccak256(&[state, seed.as_bytes(), b"wrong", flavour]))
}

fn ending(state: Digest) -> Execution {
    let page = Page::copy_from_slice(state.as_bytes());
    let mut execution = Execution::ending(ExecutionOutcome::Return(page.clone()));
    execution.state = StateDelta(Pages::from([(PAGE, page)]));
    execution
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_repetition_and_wrongness_show_in_the_state() {
        let seeds = [Digest::new([1; 32]), Digest::new([2; 32])];
        let fold = |state: &[u8], seed| honest(state, seed, &touch(), Amount::ZERO);
        let step = |state: &[u8], seed| match fold(state, seed).outcome {
            ExecutionOutcome::Return(state) => state,
            other => panic!("{other:?}"),
        };
        let (one, other) = (step(&[], &seeds[0]), step(&[], &seeds[1]));
        assert_ne!(step(&one, &seeds[1]), step(&other, &seeds[0]), "order");
        assert_ne!(step(&one, &seeds[0]), one, "repetition");
        let wrongs = [wrong(&one, &seeds[0], b"a"), wrong(&one, &seeds[0], b"b")];
        assert_ne!(wrongs[0], wrongs[1]);
        assert_ne!(wrongs[0], fold(&one, &seeds[0]));
    }

    #[test]
    fn a_call_hands_half_of_its_value_on() {
        let other = Address::new([7; 20]);
        for (_, what) in Sends::ALL {
            let calldata = send(what, other, &touch());
            let execution = honest(&[], &Digest::new([1; 32]), &calldata, Amount::from(9));
            let [message] = &execution.messages[..] else { panic!("{what:?}") };
            assert_eq!(message.value, Amount::from(4), "{what:?}");
            assert_eq!(message.trigger(), what.trigger(), "{what:?}");
        }
        assert_eq!(message(&send(Sends::Call, other, &[])[..9], Amount::ZERO), None);
    }
}
