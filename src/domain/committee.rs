//! The validators that judge one transaction, by seat.

use serde::{Deserialize, Serialize};

use super::Validator;

/// A place in a committee; seat 0 leads.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Seat(pub u16);

impl Seat {
    /// The seat that leads.
    pub const LEADER: Self = Self(0);

    /// The seat as an index.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The seat at `index`; committees are far smaller than 65 536.
    pub fn at(index: usize) -> Self {
        Self(u16::try_from(index).unwrap_or(u16::MAX))
    }
}

/// The validators that judge one transaction, in drawn order; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Committee {
    leader: Validator,
    others: Vec<Validator>,
}

impl Committee {
    /// Seats `members` in order, or `None` when there is nobody to seat.
    pub fn new(members: Vec<Validator>) -> Option<Self> {
        let mut members = members.into_iter();
        let leader = members.next()?;
        Some(Self { leader, others: members.collect() })
    }

    /// How many sit here; at least one.
    pub fn size(&self) -> usize {
        self.others.len() + 1
    }

    /// Who leads.
    pub fn leader(&self) -> &Validator {
        &self.leader
    }

    /// Who sits at `seat`.
    pub fn member(&self, seat: Seat) -> Option<&Validator> {
        self.members().nth(seat.index())
    }

    /// Everybody in seat order, the leader first.
    pub fn members(&self) -> impl Iterator<Item = &Validator> {
        std::iter::once(&self.leader).chain(&self.others)
    }

    /// Every seat, the leader's first.
    pub fn seats(&self) -> impl Iterator<Item = Seat> + use<> {
        (0..self.size()).map(Seat::at)
    }

    /// Gives `seat` to somebody else.
    #[must_use]
    pub fn replaced(mut self, seat: Seat, joining: Validator) -> Self {
        let place = match seat.index() {
            0 => Some(&mut self.leader),
            index => self.others.get_mut(index - 1),
        };
        if let Some(place) = place {
            *place = joining;
        }
        self
    }

    /// The committee after its leader left and `joining`, if anybody, took the last seat.
    ///
    /// `None` when nobody would be left.
    pub fn rotated(&self, joining: Option<Validator>) -> Option<Self> {
        Self::new(self.others.iter().cloned().chain(joining).collect())
    }
}
