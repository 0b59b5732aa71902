//! A queue address: a contract, or an account for transfers.

use std::collections::{BTreeMap, BTreeSet};

use super::State;
use crate::domain::TxHash;

/// The transactions of one queue by their places in the order of acceptance.
#[derive(Debug, Default)]
pub(super) struct QueueModel {
    /// Not decided.
    pub(super) waiting: BTreeSet<usize>,
    /// Decided and not final; appealed ones stay here while they are judged.
    pub(super) decided: BTreeSet<usize>,
    pub(super) in_flight: Option<TxHash>,
    /// The contract's page after every decision that has effects; of the final ones only the last.
    pub(super) states: BTreeMap<usize, State>,
}

impl QueueModel {
    /// The page that the transaction at `place` finds; `None` when there is no contract yet.
    pub(super) fn state_before(&self, place: usize) -> Option<&State> {
        self.states.range(..place).next_back().map(|(_, state)| state)
    }

    /// The page after the transaction at `place`.
    pub(super) fn state_after(&self, place: usize) -> &[u8] {
        self.states.range(..=place).next_back().map_or(&[], |(_, state)| state)
    }

    /// The page as accepted now.
    pub(super) fn accepted(&self) -> &[u8] {
        self.states.last_key_value().map_or(&[], |(_, state)| state)
    }

    /// The decision at `place` is final: what was before it is never needed again.
    pub(super) fn forget_before(&mut self, place: usize) {
        if let Some((&last, _)) = self.states.range(..=place).next_back() {
            self.states = self.states.split_off(&last);
        }
    }
}
