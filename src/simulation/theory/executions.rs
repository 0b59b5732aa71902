//! Every execution is wrong independently of all others: rotations repeat one experiment.

use super::distribution::{Sum, binomial};
use super::{Appeals, Ends, Model, Probabilities, Receipt, WrongResults, is_majority};

/// How often one turn ends in which way; together 1.
struct Turn {
    right: f64,
    wrong: f64,
    /// Summed from its own terms: `1 - right - wrong` would lose what is rare.
    neither: f64,
}

/// Each execution is wrong with probability `p`.
struct Executions {
    p: f64,
    wrong_results: WrongResults,
}

impl Executions {
    /// How often another validator agrees with a receipt.
    fn agreement(&self, receipt: Receipt) -> f64 {
        match (receipt, self.wrong_results) {
            (Receipt::Right, _) => 1.0 - self.p,
            (Receipt::Wrong, WrongResults::Equal) => self.p,
            (Receipt::Wrong, WrongResults::Different) => 0.0,
        }
    }

    /// How often `seats` accept and do not accept a receipt with which `certain` of them agree
    /// anyway, the leader.
    fn vote(&self, receipt: Receipt, seats: u32, certain: u32) -> (f64, f64) {
        let (mut accepted, mut refused) = (Sum::default(), Sum::default());
        for (agree, probability) in binomial(seats - certain, self.agreement(receipt)) {
            let sum =
                if is_majority(agree + certain, seats) { &mut accepted } else { &mut refused };
            sum.add(probability);
        }
        (accepted.value(), refused.value())
    }

    fn turn(&self, seats: u32) -> Turn {
        let (right, no_right) = self.vote(Receipt::Right, seats, 1);
        let (wrong, no_wrong) = self.vote(Receipt::Wrong, seats, 1);
        Turn {
            right: (1.0 - self.p) * right,
            wrong: self.p * wrong,
            neither: (1.0 - self.p) * no_right + self.p * no_wrong,
        }
    }

    /// A whole run that begins with probability `reached` and is not appealed.
    fn run(&self, seats: u32, rotations: u32, mut reached: f64, ends: &mut Ends) {
        let turn = self.turn(seats);
        for _ in 0..=rotations {
            ends.accept(Receipt::Right, reached * turn.right);
            ends.accept(Receipt::Wrong, reached * turn.wrong);
            reached *= turn.neither;
            // Nothing that could be added is visible in a double any more.
            if reached <= 0.0 {
                return;
            }
        }
        ends.give_up(reached);
    }
}

pub(super) fn probabilities(model: &Model, p: f64, appeals: Appeals) -> Probabilities {
    let executions = Executions { p, wrong_results: model.wrong_results };
    let n = model.seats();
    let turn = executions.turn(n);
    let mut ends = Ends::default();
    let mut reached = 1.0;
    let last = model.rotations_possible();
    for rotation in 0..=last {
        // What an appeal now would leave unseated; `None` when it is refused.
        let left = (model.validators - n - rotation).checked_sub(n + 2);
        let rerun = |reached: f64, left: u32, ends: &mut Ends| {
            executions.run(2 * n + 1, u32::from(model.rotations_max).min(left), reached, ends);
        };
        for (receipt, share) in [(Receipt::Right, turn.right), (Receipt::Wrong, turn.wrong)] {
            let accepted = reached * share;
            match left.filter(|_| appeals.of_accepted) {
                Some(left) => {
                    let (upheld, overturned) = executions.vote(receipt, n + 2, 0);
                    ends.accept(receipt, accepted * upheld);
                    rerun(accepted * overturned, left, &mut ends);
                }
                None => ends.accept(receipt, accepted),
            }
        }
        reached *= turn.neither;
        if reached <= 0.0 {
            break;
        }
        if rotation == last {
            match left.filter(|_| appeals.of_undetermined) {
                Some(left) => rerun(reached, left, &mut ends),
                None => ends.give_up(reached),
            }
        }
    }
    ends.finish()
}
