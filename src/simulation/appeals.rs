//! Who appeals: the one place that decides about an appeal.

use super::chance::Stream;
use super::scenario::AppealPlan;
use crate::domain::{Status, TxHash};

/// An appeal that is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Appeal {
    /// Against the decision about this one.
    pub(super) transaction: TxHash,
    /// So long after the decision.
    pub(super) after: std::time::Duration,
}

/// Is the decision `status` about `transaction` appealed, which was appealed `before` times?
///
/// Called once for every decision, in the order of decisions. The network does not know appeals
/// yet: until it does, nobody appeals, and nothing is drawn.
pub(super) fn appeal_policy(
    _plan: &AppealPlan,
    _transaction: TxHash,
    _status: Status,
    _before: u32,
    _chance: &mut Stream,
) -> Option<Appeal> {
    None
}
