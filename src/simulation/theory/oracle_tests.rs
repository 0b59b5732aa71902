//! The closed form against enumeration of everything that can happen, in networks small enough.
//!
//! The oracle shares nothing with the code it judges but the vocabulary: it seats validators one by
//! one, lets each of them be right or wrong, and counts votes.

use proptest::prelude::*;

use super::*;

/// What decides which executions are wrong.
trait Fate {
    /// The cases of one more execution by `validator`: is it wrong, and how often.
    fn executes(&self, validator: usize) -> Vec<(bool, f64)>;

    /// The orders of `committee` that make a difference; all are equally likely.
    fn orders(&self, committee: &[usize]) -> Vec<Vec<usize>>;
}

/// The validators in the order in which they are drawn; `true` is always wrong.
struct Row(Vec<bool>);

impl Fate for Row {
    fn executes(&self, validator: usize) -> Vec<(bool, f64)> {
        vec![(self.0[validator], 1.0)]
    }

    fn orders(&self, committee: &[usize]) -> Vec<Vec<usize>> {
        let is_wrong = |validator: &usize| self.0[*validator];
        let (wrong, right): (Vec<usize>, Vec<usize>) =
            committee.iter().partition(|it| is_wrong(it));
        let count = |validators: &[usize]| u32::try_from(validators.len()).unwrap();
        let order = |places: Vec<bool>| {
            let (mut wrong, mut right) = (wrong.iter(), right.iter());
            let next = |is_wrong| if is_wrong { wrong.next() } else { right.next() };
            places.into_iter().map(next).map(|it| *it.unwrap()).collect()
        };
        rows(count(committee), count(&wrong)).into_iter().map(order).collect()
    }
}

/// A coin per execution.
struct Coin(f64);

impl Fate for Coin {
    fn executes(&self, _validator: usize) -> Vec<(bool, f64)> {
        vec![(false, 1.0 - self.0), (true, self.0)]
    }

    fn orders(&self, committee: &[usize]) -> Vec<Vec<usize>> {
        vec![committee.to_vec()]
    }
}

/// All cases of everybody in `committee` executing once.
fn execute_all<F: Fate>(fate: &F, committee: &[usize]) -> Vec<(Vec<bool>, f64)> {
    let mut cases = vec![(Vec::new(), 1.0)];
    for validator in committee {
        let extend = |(results, probability): (Vec<bool>, f64)| {
            fate.executes(*validator).into_iter().filter(|case| case.1 > 0.0).map(
                move |(is_wrong, share)| {
                    let mut results = results.clone();
                    results.push(is_wrong);
                    (results, probability * share)
                },
            )
        };
        cases = cases.into_iter().flat_map(extend).collect();
    }
    cases
}

struct Oracle<'a> {
    model: &'a Model,
    appeals: Appeals,
    /// Millions of terms: a plain sum would be off by more than what is tested.
    ends: [Sum; 3],
}

impl Oracle<'_> {
    fn agrees(&self, own: bool, receipt: bool) -> bool {
        own == receipt && !(own && self.model.wrong_results == WrongResults::Different)
    }

    /// `seated` counts the validators that ever sat; the next to be drawn has this index.
    fn run<F: Fate>(
        &mut self,
        fate: &F,
        committee: &[usize],
        seated: usize,
        rotations: u8,
        reached: f64,
        is_first: bool,
    ) {
        let everybody = usize::try_from(self.model.validators).unwrap();
        let (n, fresh) = (committee.len(), committee.len() + 2);
        let can_appeal = is_first && seated + fresh <= everybody;
        let again: Vec<usize> =
            committee[1..].iter().copied().chain(seated..seated + fresh).collect();
        for (results, share) in execute_all(fate, committee) {
            let reached = reached * share;
            let receipt = results[0];
            let agree = 1 + results[1..].iter().filter(|own| self.agrees(**own, receipt)).count();
            if agree * 2 > n {
                if !(can_appeal && self.appeals.of_accepted) {
                    self.ends[usize::from(receipt)].add(reached);
                    continue;
                }
                for (results, share) in execute_all(fate, &again[n - 1..]) {
                    let agree = results.iter().filter(|own| self.agrees(**own, receipt)).count();
                    if agree * 2 > fresh {
                        self.ends[usize::from(receipt)].add(reached * share);
                    } else {
                        let rotations = self.model.rotations_max;
                        let orders = fate.orders(&again);
                        let share = share / f64::from(u32::try_from(orders.len()).unwrap());
                        for again in orders {
                            let reached = reached * share;
                            self.run(fate, &again, seated + fresh, rotations, reached, false);
                        }
                    }
                }
            } else if rotations > 0 && seated < everybody {
                let next: Vec<usize> = committee[1..].iter().copied().chain([seated]).collect();
                self.run(fate, &next, seated + 1, rotations - 1, reached, is_first);
            } else if can_appeal && self.appeals.of_undetermined {
                self.run(fate, &again, seated + fresh, self.model.rotations_max, reached, false);
            } else {
                self.ends[2].add(reached);
            }
        }
    }
}

/// All rows of `validators` of which `wrong` are wrong.
fn rows(validators: u32, wrong: u32) -> Vec<Vec<bool>> {
    let all = (0_u32..1 << validators).filter(|bits| bits.count_ones() == wrong);
    all.map(|bits| (0..validators).map(|index| bits >> index & 1 == 1).collect()).collect()
}

fn enumerate(model: &Model, appeals: Appeals) -> [f64; 3] {
    let mut oracle = Oracle { model, appeals, ends: [Sum::default(); 3] };
    let n = usize::try_from(model.committee.min(model.validators)).unwrap();
    let committee: Vec<usize> = (0..n).collect();
    match model.wrongness {
        Wrongness::Executions(p) => {
            oracle.run(&Coin(p), &committee, n, model.rotations_max, 1.0, true);
        }
        Wrongness::Validators(wrong) => {
            let rows = rows(model.validators, wrong);
            let share = 1.0 / f64::from(u32::try_from(rows.len()).unwrap());
            for row in rows {
                oracle.run(&Row(row), &committee, n, model.rotations_max, share, true);
            }
        }
    }
    oracle.ends.map(Sum::value)
}

const EVERY_APPEAL: [Appeals; 4] = [
    Appeals::NONE,
    Appeals { of_accepted: true, of_undetermined: false },
    Appeals { of_accepted: false, of_undetermined: true },
    Appeals::ALL,
];

#[track_caller]
fn check(model: &Model) {
    for appeals in EVERY_APPEAL {
        let found = model.probabilities(appeals).unwrap();
        let found = [found.right_accepted, found.wrong_accepted, found.undetermined];
        let expected = enumerate(model, appeals);
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{model:?} {appeals:?}: {found} {expected}");
        }
        assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{model:?}: {found:?}");
    }
}

#[test]
fn wrong_validators_are_enumerated() {
    for validators in 1..=9 {
        for wrong in 0..=validators {
            for committee in 1..=5 {
                for rotations_max in 0..=3 {
                    for wrong_results in [WrongResults::Equal, WrongResults::Different] {
                        let wrongness = Wrongness::Validators(wrong);
                        check(&Model {
                            validators,
                            committee,
                            rotations_max,
                            wrongness,
                            wrong_results,
                        });
                    }
                }
            }
        }
    }
}

/// Large enough for a full appeal of five seats with rotations in both runs, and for those who
/// joined in the first run to lead in the second.
#[test]
fn wrong_validators_of_a_larger_network_are_enumerated() {
    for (validators, wrong, committee, rotations_max) in
        [(12, 5, 5, 2), (12, 6, 3, 5), (12, 4, 2, 6), (11, 7, 4, 3), (12, 5, 1, 10)]
    {
        for wrong_results in [WrongResults::Equal, WrongResults::Different] {
            let wrongness = Wrongness::Validators(wrong);
            check(&Model { validators, committee, rotations_max, wrongness, wrong_results });
        }
    }
}

#[test]
fn wrong_executions_are_enumerated() {
    for p in [0.0, 0.2, 0.83, 1.0] {
        for (validators, committee, rotations_max) in
            [(1, 1, 3), (4, 1, 2), (6, 2, 1), (7, 2, 3), (8, 3, 0), (9, 3, 1), (5, 5, 2), (6, 4, 1)]
        {
            for wrong_results in [WrongResults::Equal, WrongResults::Different] {
                let wrongness = Wrongness::Executions(p);
                check(&Model { validators, committee, rotations_max, wrongness, wrong_results });
            }
        }
    }
}

#[test]
fn a_model_of_nothing_or_of_too_much_is_refused() {
    let sound = Model {
        validators: 10,
        committee: 5,
        rotations_max: 3,
        wrongness: Wrongness::Validators(2),
        wrong_results: WrongResults::Equal,
    };
    let executions = |p| Model { wrongness: Wrongness::Executions(p), ..sound };
    for (model, words) in [
        (Model { validators: 0, ..sound }, "at least one"),
        (Model { committee: 0, ..sound }, "at least one"),
        (Model { wrongness: Wrongness::Validators(11), ..sound }, "`11` of `10`"),
        (executions(1.5), "`1.5` is no probability"),
        (executions(f64::NAN), "no probability"),
        (Model { validators: 100, rotations_max: 11, ..sound }, "`11` rotations"),
        (Model { validators: 5_000, committee: 2_000, ..sound }, "`2000` seats"),
    ] {
        let error = model.probabilities(Appeals::NONE).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn what_never_happens_has_no_probability() {
    let model = |wrongness| Model {
        validators: 100,
        committee: 5,
        rotations_max: 3,
        wrongness,
        wrong_results: WrongResults::Equal,
    };
    for (wrongness, expected) in [
        (Wrongness::Validators(0), [1.0, 0.0, 0.0]),
        (Wrongness::Validators(100), [0.0, 1.0, 0.0]),
        (Wrongness::Executions(0.0), [1.0, 0.0, 0.0]),
        (Wrongness::Executions(1.0), [0.0, 1.0, 0.0]),
    ] {
        let found = model(wrongness).probabilities(Appeals::ALL).unwrap();
        let found = [found.right_accepted, found.wrong_accepted, found.undetermined];
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-14), "{found:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn ends_are_probabilities_that_sum_to_one(
        validators in 1_u32..2_000,
        committee in 1_u32..30,
        rotations_max in 0_u8..5,
        share in 0.0..=1.0_f64,
        are_equal in any::<bool>(),
        by_validator in any::<bool>(),
        appeals in prop::sample::select(EVERY_APPEAL.to_vec()),
    ) {
        let wrong = (f64::from(validators) * share).floor().to_string().parse().unwrap();
        let wrongness =
            if by_validator { Wrongness::Validators(wrong) } else { Wrongness::Executions(share) };
        let wrong_results =
            if are_equal { WrongResults::Equal } else { WrongResults::Different };
        let model = Model { validators, committee, rotations_max, wrongness, wrong_results };
        let found = model.probabilities(appeals).unwrap();
        let found = [found.right_accepted, found.wrong_accepted, found.undetermined];
        prop_assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{:?}", found);
        prop_assert!(found.iter().all(|end| (0.0..=1.0).contains(end)), "{:?}", found);
    }
}
