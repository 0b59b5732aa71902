//! The non-deterministic blocks of one execution: what the leader's produced, and what a validator
//! makes of that.
//!
//! Blocks are numbered in the order in which they begin. The leader records an output for each; a
//! validator is handed the leader's, judges it, and goes on with it. Once it disagreed it stays so,
//! whatever the contract does then (protocol section 3).

use crate::domain::Bytes;

/// Most blocks one execution may have.
pub(super) const BLOCKS_MAX: usize = 256;
/// Most bytes the outputs of all blocks may have together.
pub(super) const OUTPUTS_BYTES_MAX: usize = 8 << 20;

/// Why a block cannot begin, or cannot end like this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BlockError {
    /// Blocks are not allowed here.
    #[error("{0}")]
    Refused(String),
    /// A block within a block.
    #[error("a non-deterministic block cannot contain another one: end the first before")]
    Nested,
    /// One block more than allowed.
    #[error("one call can have at most {BLOCKS_MAX} non-deterministic blocks")]
    TooMany,
    /// An end without a beginning.
    #[error("no non-deterministic block is open")]
    NotOpen,
    /// More output than allowed.
    #[error("the outputs of non-deterministic blocks can have at most {OUTPUTS_BYTES_MAX} bytes")]
    TooLarge,
}

/// What a block that begins is handed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Handed {
    /// Nothing: this is the leader, who runs it.
    Nothing,
    /// The leader's output, to be judged.
    Output(Bytes),
    /// The leader has no output for this block: it cannot be accepted.
    Missing,
}

/// The blocks of one execution so far.
#[derive(Debug)]
pub(super) struct Blocks {
    /// The leader's outputs, when this is a validator.
    leaders: Option<Vec<Bytes>>,
    outputs: Vec<Bytes>,
    bytes: usize,
    is_open: bool,
    disagreed: Option<u32>,
    refusal: Option<String>,
}

impl Blocks {
    /// No blocks yet, in a validator that has the leader's outputs, or in anybody else.
    pub(super) const fn new(leaders: Option<Vec<Bytes>>) -> Self {
        Self {
            leaders,
            outputs: Vec::new(),
            bytes: 0,
            is_open: false,
            disagreed: None,
            refusal: None,
        }
    }

    /// Refuses all blocks from now on; the first reason stays.
    pub(super) fn refuse(&mut self, reason: String) {
        self.refusal.get_or_insert(reason);
    }

    /// Is a block open?
    pub(super) const fn is_open(&self) -> bool {
        self.is_open
    }

    /// The number of the block that is open, or would be next.
    pub(super) fn number(&self) -> u32 {
        u32::try_from(self.outputs.len()).unwrap_or(u32::MAX)
    }

    /// Begins the next block.
    pub(super) fn open(&mut self) -> Result<Handed, BlockError> {
        if let Some(reason) = &self.refusal {
            return Err(BlockError::Refused(reason.clone()));
        }
        if self.is_open {
            return Err(BlockError::Nested);
        }
        if self.outputs.len() >= BLOCKS_MAX {
            return Err(BlockError::TooMany);
        }
        let handed = match &self.leaders {
            None => Handed::Nothing,
            Some(leaders) => match leaders.get(self.outputs.len()) {
                Some(output) => Handed::Output(output.clone()),
                None => Handed::Missing,
            },
        };
        self.is_open = true;
        if handed == Handed::Missing {
            self.disagree();
        }
        Ok(handed)
    }

    /// Ends the open block with the output that counts: the leader's own, or the one accepted.
    pub(super) fn close(&mut self, output: Bytes) -> Result<(), BlockError> {
        if !std::mem::take(&mut self.is_open) {
            return Err(BlockError::NotOpen);
        }
        let bytes = self.bytes.saturating_add(output.len());
        if bytes > OUTPUTS_BYTES_MAX {
            return Err(BlockError::TooLarge);
        }
        self.bytes = bytes;
        self.outputs.push(output);
        Ok(())
    }

    /// Ends the open block with a disagreement; only the first counts, and a leader has none.
    pub(super) fn disagree(&mut self) {
        if std::mem::take(&mut self.is_open) && self.leaders.is_some() {
            self.disagreed.get_or_insert(self.number());
        }
    }

    /// Has this validator disagreed with a block?
    pub(super) const fn has_disagreed(&self) -> bool {
        self.disagreed.is_some()
    }

    /// The outputs that count, and the first block disagreed with; leader's outputs that belong to
    /// no block are one, too.
    pub(super) fn finish(self) -> (Vec<Bytes>, Option<u32>) {
        let used = self.outputs.len();
        let surplus = self.leaders.is_some_and(|leaders| leaders.len() > used);
        let surplus = surplus.then_some(u32::try_from(used).unwrap_or(u32::MAX));
        (self.outputs, self.disagreed.or(surplus))
    }
}

/// May a worker report these outputs?
pub(super) fn are_possible(outputs: &[Bytes]) -> bool {
    let bytes: usize = outputs.iter().map(|output| output.len()).sum();
    outputs.len() <= BLOCKS_MAX && bytes <= OUTPUTS_BYTES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Bytes = Bytes::from_static(b"a");
    const B: Bytes = Bytes::from_static(b"b");

    #[test]
    fn a_leader_records_and_a_validator_is_handed_the_same() {
        let mut leader = Blocks::new(None);
        assert_eq!(leader.open(), Ok(Handed::Nothing));
        assert_eq!(leader.open(), Err(BlockError::Nested));
        leader.close(A).unwrap();
        let (outputs, disagreed) = leader.finish();
        assert_eq!((&outputs[..], disagreed), (&[A][..], None));
        let mut validator = Blocks::new(Some(outputs));
        assert_eq!(validator.open(), Ok(Handed::Output(A)));
        validator.close(A).unwrap();
        assert_eq!(validator.finish(), (vec![A], None));
    }

    #[test]
    fn missing_and_surplus_outputs_are_disagreements() {
        let mut validator = Blocks::new(Some(vec![A]));
        validator.open().unwrap();
        validator.close(A).unwrap();
        assert_eq!(validator.open(), Ok(Handed::Missing));
        assert!(!validator.is_open());
        assert_eq!(validator.finish(), (vec![A], Some(1)));
        let mut validator = Blocks::new(Some(vec![A, B]));
        validator.open().unwrap();
        validator.close(A).unwrap();
        assert_eq!(validator.finish(), (vec![A], Some(1)));
    }

    #[test]
    fn the_first_disagreement_stays() {
        let mut validator = Blocks::new(Some(vec![A, B]));
        validator.open().unwrap();
        validator.disagree();
        validator.open().unwrap();
        validator.close(A).unwrap();
        validator.disagree();
        assert_eq!(validator.finish().1, Some(0));
    }

    #[test]
    fn what_was_not_opened_cannot_end_and_a_leader_does_not_disagree() {
        let mut leader = Blocks::new(None);
        assert_eq!(leader.close(A), Err(BlockError::NotOpen));
        leader.open().unwrap();
        leader.disagree();
        assert!(!leader.has_disagreed());
        assert_eq!(leader.finish(), (vec![], None));
        let mut validator = Blocks::new(Some(vec![A]));
        validator.disagree();
        assert!(!validator.has_disagreed());
    }

    #[test]
    fn there_is_an_end_to_blocks_and_to_what_they_say() {
        let mut leader = Blocks::new(None);
        for _ in 0..BLOCKS_MAX {
            leader.open().unwrap();
            leader.close(A).unwrap();
        }
        assert_eq!(leader.open(), Err(BlockError::TooMany));
        let mut leader = Blocks::new(None);
        leader.open().unwrap();
        let large = Bytes::from(vec![0; OUTPUTS_BYTES_MAX + 1]);
        assert_eq!(leader.close(large.clone()), Err(BlockError::TooLarge));
        assert!(!are_possible(&[large]));
        let mut leader = Blocks::new(None);
        leader.refuse("view".into());
        leader.refuse("later".into());
        assert_eq!(leader.open(), Err(BlockError::Refused("view".into())));
    }
}
