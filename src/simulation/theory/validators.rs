//! Some validators are always wrong: who sits where carries over from rotation to rotation.
//!
//! A committee is a row of *blocks*. Of a block only the number of wrong validators is known, so all
//! their arrangements are equally likely: the first seat of a block of `s` with `w` wrong is wrong
//! with probability `w / s`. The drawn committee is one block; everybody who joins later is a block
//! of one, since the outcome of the turn depends on that one. States of equal blocks are merged,
//! which makes this a dynamic program and not an enumeration.

use std::collections::BTreeMap;

use super::distribution::hypergeometric;
use super::{Appeals, Ends, Model, Probabilities, Receipt, WrongResults, is_majority};

/// Validators in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Block {
    seats: u32,
    wrong: u32,
}

impl Block {
    /// The cases of the first validator: is it wrong, how often, and the block without it.
    fn first(self) -> impl Iterator<Item = (Receipt, f64, Self)> {
        let rest = self.seats.checked_sub(1);
        let cases = [(Receipt::Right, 0, self.seats - self.wrong), (Receipt::Wrong, 1, self.wrong)];
        cases.into_iter().filter(|(_, _, ways)| *ways > 0).filter_map(move |(kind, one, ways)| {
            let share = f64::from(ways) / f64::from(self.seats);
            Some((kind, share, Self { seats: rest?, wrong: self.wrong - one }))
        })
    }

    /// The cases of drawing `count` of them: the drawn, how often, and who is left.
    fn drawn(self, count: u32) -> impl Iterator<Item = (Self, f64, Self)> {
        hypergeometric(self.seats, self.wrong, count).into_iter().map(move |(wrong, share)| {
            let left = Self { seats: self.seats - count, wrong: self.wrong - wrong };
            (Self { seats: count, wrong }, share, left)
        })
    }
}

/// Who sits, in order, and who was never seated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    blocks: Vec<Block>,
    unseated: Block,
}

impl State {
    fn seats(&self) -> Block {
        let total = |part: fn(&Block) -> u32| self.blocks.iter().map(part).sum();
        Block { seats: total(|block| block.seats), wrong: total(|block| block.wrong) }
    }

    /// The cases of who leads, and the committee without its leader.
    fn led(&self) -> impl Iterator<Item = (Receipt, f64, Self)> {
        let first = self.blocks.first().copied().into_iter().flat_map(Block::first);
        first.map(|(leader, share, rest)| {
            let others = self.blocks.iter().skip(1).copied();
            let rest = std::iter::once(rest).filter(|block| block.seats > 0);
            (leader, share, Self { blocks: rest.chain(others).collect(), unseated: self.unseated })
        })
    }

    /// The cases of `count` who were never seated taking the last seats; none when there are too
    /// few.
    fn joined(&self, count: u32) -> Option<Vec<(Block, f64, Self)>> {
        let with = |(joining, share, unseated): (Block, f64, Block)| {
            let blocks = self.blocks.iter().copied().chain([joining]).collect();
            (joining, share, Self { blocks, unseated })
        };
        let is_possible = self.unseated.seats >= count;
        is_possible.then(|| self.unseated.drawn(count).map(with).collect())
    }

    /// Makes one block of all who sit too far back to lead in the next `turns` turns: their order
    /// can no longer matter.
    fn forget_order_behind(mut self, turns: u32) -> Self {
        let mut position = 0;
        let mut leading = Vec::new();
        let mut behind = Block { seats: 0, wrong: 0 };
        for block in self.blocks {
            if position < turns {
                leading.push(block);
            } else {
                behind =
                    Block { seats: behind.seats + block.seats, wrong: behind.wrong + block.wrong };
            }
            position += block.seats;
        }
        leading.extend((behind.seats > 0).then_some(behind));
        self.blocks = leading;
        self
    }
}

/// How often each state is reached.
type States = BTreeMap<State, f64>;

fn reach(states: &mut States, state: State, probability: f64) {
    *states.entry(state).or_default() += probability;
}

/// How the turns of a run ended, with the committee after its leader left.
#[derive(Default)]
struct Run {
    accepted_right: States,
    accepted_wrong: States,
    undetermined: States,
}

impl Run {
    fn accepted(&mut self, receipt: Receipt) -> &mut States {
        match receipt {
            Receipt::Right => &mut self.accepted_right,
            Receipt::Wrong => &mut self.accepted_wrong,
        }
    }
}

struct Validators {
    wrong_results: WrongResults,
    rotations_max: u32,
}

impl Validators {
    /// How many of `voters` agree with a receipt that is none of theirs.
    fn agreeing(&self, receipt: Receipt, voters: Block) -> u32 {
        match (receipt, self.wrong_results) {
            (Receipt::Right, _) => voters.seats - voters.wrong,
            (Receipt::Wrong, WrongResults::Equal) => voters.wrong,
            (Receipt::Wrong, WrongResults::Different) => 0,
        }
    }

    /// Plays all turns of one run. `turns_after` is how many more leaders a second run could have.
    fn run(&self, mut states: States, turns_after: u32) -> Run {
        let mut run = Run::default();
        for rotation in 0..=self.rotations_max {
            let turns_left = self.rotations_max - rotation;
            let mut next = States::new();
            for (state, reached) in std::mem::take(&mut states) {
                for (leader, share, others) in state.led() {
                    let reached = reached * share;
                    let voters = others.seats();
                    let others = others.forget_order_behind(turns_left + turns_after);
                    if is_majority(1 + self.agreeing(leader, voters), 1 + voters.seats) {
                        reach(run.accepted(leader), others, reached);
                        continue;
                    }
                    match others.joined(1).filter(|_| turns_left > 0) {
                        Some(cases) => {
                            for (_, share, state) in cases {
                                reach(&mut next, state, reached * share);
                            }
                        }
                        None => reach(&mut run.undetermined, others, reached),
                    }
                }
            }
            states = next;
        }
        run
    }
}

pub(super) fn probabilities(model: &Model, wrong: u32, appeals: Appeals) -> Probabilities {
    let rules = Validators {
        wrong_results: model.wrong_results,
        // Second runs have fewer left to join than the first, never more.
        rotations_max: model.rotations_possible(),
    };
    let n = model.seats();
    let everybody =
        State { blocks: Vec::new(), unseated: Block { seats: model.validators, wrong } };
    let mut first = States::new();
    for (_, share, state) in everybody.joined(n).into_iter().flatten() {
        reach(&mut first, state, share);
    }
    let is_appealed = appeals.of_accepted || appeals.of_undetermined;
    let turns_after = if is_appealed { rules.rotations_max + 1 } else { 0 };
    let mut run = rules.run(first, turns_after);

    let mut ends = Ends::default();
    let mut again = States::new();
    for receipt in [Receipt::Right, Receipt::Wrong] {
        for (state, reached) in std::mem::take(run.accepted(receipt)) {
            match state.joined(n + 2).filter(|_| appeals.of_accepted) {
                None => ends.accept(receipt, reached),
                Some(cases) => {
                    for (voters, share, state) in cases {
                        if is_majority(rules.agreeing(receipt, voters), voters.seats) {
                            ends.accept(receipt, reached * share);
                        } else {
                            // Who leads now is drawn anew.
                            reach(&mut again, state.forget_order_behind(0), reached * share);
                        }
                    }
                }
            }
        }
    }
    for (state, reached) in run.undetermined {
        match state.joined(n + 2).filter(|_| appeals.of_undetermined) {
            None => ends.give_up(reached),
            Some(cases) => {
                for (_, share, state) in cases {
                    reach(&mut again, state.forget_order_behind(turns_after), reached * share);
                }
            }
        }
    }
    let mut second = rules.run(again, 0);
    for receipt in [Receipt::Right, Receipt::Wrong] {
        for reached in second.accepted(receipt).values() {
            ends.accept(receipt, *reached);
        }
    }
    second.undetermined.into_values().for_each(|reached| ends.give_up(reached));
    ends.finish()
}
