//! The contracts of a simulation: pure functions whose state folds every call.
//!
//! A contract has one page, and every call replaces it: `state' = keccak256(state ‖ seed)`, where
//! the seed follows from the transaction's hash. So one page shows which calls happened, how often
//! and in which order.

use crate::domain::{
    Address, Amount, Bytes, Digest, EmittedMessage, Execution, ExecutionOutcome, MessageBody, Page,
    PageKey, Pages, SlotId, StateDelta, Trigger, TxHash, keccak256,
};

/// The page of the state.
pub(super) const PAGE: PageKey = PageKey { slot: SlotId(Digest::new([0; 32])), index: 0 };

/// The code of every contract.
pub(super) const CODE: &[u8] = b"fold";

const TOUCH: u8 = 1;
const TOUCH_ANOTHER: u8 = 2;

/// Calldata of a call that only folds.
pub(super) fn touch() -> Bytes {
    Bytes::from_static(&[TOUCH])
}

/// Calldata of a call that folds and sends a call to `other`.
pub(super) fn touch_another(other: Address) -> Bytes {
    let mut calldata = vec![TOUCH_ANOTHER];
    calldata.extend_from_slice(other.as_bytes());
    calldata.into()
}

/// What a transaction's executions derive everything from, as nodes compute it.
pub(super) fn seed_of(hash: &TxHash) -> Digest {
    keccak256(&[b"agora:execution", hash.as_bytes()])
}

/// What an honest execution gives. `state` is empty before the constructor.
pub(super) fn honest(state: &[u8], seed: &Digest, calldata: &[u8]) -> Execution {
    let mut execution = ending(keccak256(&[state, seed.as_bytes()]));
    if let Some((&TOUCH_ANOTHER, other)) = calldata.split_first()
        && let Ok(other) = <[u8; 20]>::try_from(other)
    {
        let body = MessageBody::Call { to: Address::new(other), calldata: touch() };
        execution.messages.push(EmittedMessage {
            on: Trigger::Accepted,
            value: Amount::ZERO,
            body,
        });
    }
    execution
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
        let step = |state: &[u8], seed| match honest(state, seed, &touch()).outcome {
            ExecutionOutcome::Return(state) => state,
            other => panic!("{other:?}"),
        };
        let (one, other) = (step(&[], &seeds[0]), step(&[], &seeds[1]));
        assert_ne!(step(&one, &seeds[1]), step(&other, &seeds[0]), "order");
        assert_ne!(step(&one, &seeds[0]), one, "repetition");
        let wrongs = [wrong(&one, &seeds[0], b"a"), wrong(&one, &seeds[0], b"b")];
        assert_ne!(wrongs[0], wrongs[1]);
        assert_ne!(wrongs[0], honest(&one, &seeds[0], &touch()));
    }

    #[test]
    fn a_cross_contract_call_emits_one_message() {
        let other = Address::new([7; 20]);
        let execution = honest(&[], &Digest::new([1; 32]), &touch_another(other));
        assert_eq!(execution.messages.len(), 1);
    }
}
