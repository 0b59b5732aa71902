//! Who may judge transactions, and with what weight.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::Address;

/// A validator's weight in every draw; never zero, so that no draw divides by nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stake(NonZeroU64);

/// A stake of zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stake must be at least 1")]
pub struct ZeroStake;

impl Stake {
    /// The weight.
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}

impl TryFrom<u64> for Stake {
    type Error = ZeroStake;

    fn try_from(value: u64) -> Result<Self, Self::Error> {
        NonZeroU64::new(value).map(Self).ok_or(ZeroStake)
    }
}

/// One node that can sit in committees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validator {
    /// Its name on the network.
    pub address: Address,
    /// Its weight in every draw.
    pub stake: Stake,
}
