//! From runs to measures, over all transactions and over those of each kind.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ReportError;
use super::statistics::{Distribution, Latency, Proportion, float};
use crate::domain::{PayloadKind, Status};
use crate::simulation::outcome::{RunOutcome, TransactionOutcome};

/// Stands for the decision of a transaction that never had one.
pub const UNDECIDED: &str = "UNDECIDED";

const KINDS: [PayloadKind; 3] = [PayloadKind::Transfer, PayloadKind::Deploy, PayloadKind::Call];

/// Everything one or more runs of a scenario measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The seeds of the runs, in their order.
    pub seeds: Vec<u64>,
    /// Events of the network, in all runs.
    pub events: u64,
    /// How long all runs took together on the network's clock, in milliseconds.
    pub virtual_ms: u64,
    /// Decided transactions per second of the network's clock; `None` when no time passed.
    pub decided_per_second: Option<f64>,
    /// Over all transactions.
    pub all: Measures,
    /// Over those of each kind that occurred.
    pub kinds: BTreeMap<&'static str, Measures>,
}

/// What a set of transactions has in common.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measures {
    /// How many there are.
    pub transactions: u64,
    /// How many were decided at least once.
    pub decided: u64,
    /// Last decisions by name, [`UNDECIDED`] for none: of all transactions.
    pub decisions: BTreeMap<&'static str, Proportion>,
    /// Statuses at the end by name: of all transactions.
    pub statuses: BTreeMap<&'static str, Proportion>,
    /// Wrong results that stand accepted: of all that were decided.
    pub wrong_accepted: Proportion,
    /// Wrong results that stand accepted: of all that stand accepted.
    pub wrong_among_accepted: Proportion,
    /// Rounds per transaction.
    pub rounds: Distribution,
    /// Rotations per transaction.
    pub rotations: Distribution,
    /// Appeals per transaction.
    pub appeals: Distribution,
    /// Successful appeals: of all appeals.
    pub appeals_successful: Proportion,
    /// From submission to the last decision.
    pub to_decision: Latency,
    /// From submission to finality.
    pub to_finality: Latency,
}

impl Report {
    /// The report on `runs`, which may be none.
    pub fn of(runs: &[RunOutcome]) -> Self {
        let all: Vec<_> = runs.iter().flat_map(|run| &run.transactions).collect();
        let of_kind = |kind: PayloadKind| {
            let some: Vec<_> = all.iter().copied().filter(|one| one.kind == kind).collect();
            (!some.is_empty()).then(|| (kind.name(), Measures::of(&some)))
        };
        let kinds = KINDS.into_iter().filter_map(of_kind).collect();
        let total =
            |part: fn(&RunOutcome) -> u64| runs.iter().map(part).fold(0, u64::saturating_add);
        let virtual_ms = total(|run| run.virtual_ms);
        let all = Measures::of(&all);
        Self {
            seeds: runs.iter().map(|run| run.seed).collect(),
            events: total(|run| run.events),
            virtual_ms,
            decided_per_second: (virtual_ms > 0)
                .then(|| float(all.decided) / (float(virtual_ms) / 1_000.0)),
            all,
            kinds,
        }
    }

    /// As indented JSON.
    pub fn to_json(&self) -> Result<String, ReportError> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// The measures by group: all, then the kinds.
    pub(super) fn groups(&self) -> impl Iterator<Item = (&'static str, &Measures)> {
        let kinds = self.kinds.iter().map(|(name, measures)| (*name, measures));
        std::iter::once(("all", &self.all)).chain(kinds)
    }
}

impl Measures {
    fn of(transactions: &[&TransactionOutcome]) -> Self {
        let count = |is_so: &dyn Fn(&TransactionOutcome) -> bool| many(transactions, is_so);
        let decided = count(&|one| one.decision.is_some());
        let accepted = count(&|one| one.decision == Some(Status::Accepted));
        let wrong = count(&|one| one.is_wrong && one.decision == Some(Status::Accepted));
        let appeals = sum(transactions, |one| one.appeals);
        let numbers =
            |part: fn(&TransactionOutcome) -> u32| transactions.iter().map(move |one| part(one));
        let since = |part: fn(&TransactionOutcome) -> Option<u64>| {
            let took = move |one: &&TransactionOutcome| {
                part(one).map(|end| end.saturating_sub(one.submitted_ms))
            };
            transactions.iter().filter_map(took)
        };
        Self {
            transactions: length(transactions),
            decided,
            decisions: shares(transactions, |one| one.decision.map_or(UNDECIDED, Status::name)),
            statuses: shares(transactions, |one| one.status.name()),
            wrong_accepted: Proportion::new(wrong, decided),
            wrong_among_accepted: Proportion::new(wrong, accepted),
            rounds: numbers(|one| one.rounds).collect(),
            rotations: numbers(|one| one.rotations).collect(),
            appeals: numbers(|one| one.appeals).collect(),
            appeals_successful: Proportion::new(
                sum(transactions, |one| one.appeals_successful),
                appeals,
            ),
            to_decision: since(|one| one.decided_ms).collect(),
            to_finality: since(|one| one.finalized_ms).collect(),
        }
    }

    /// The share of transactions whose last decision is `name`.
    pub fn decision(&self, name: &str) -> Proportion {
        let none = Proportion::new(0, self.transactions);
        self.decisions.get(name).copied().unwrap_or(none)
    }
}

fn length(transactions: &[&TransactionOutcome]) -> u64 {
    u64::try_from(transactions.len()).unwrap_or(u64::MAX)
}

fn many(transactions: &[&TransactionOutcome], is_so: impl Fn(&TransactionOutcome) -> bool) -> u64 {
    transactions.iter().filter(|one| is_so(one)).fold(0, |count, _| count + 1)
}

fn sum(transactions: &[&TransactionOutcome], part: fn(&TransactionOutcome) -> u32) -> u64 {
    transactions.iter().map(|one| u64::from(part(one))).sum()
}

fn shares(
    transactions: &[&TransactionOutcome],
    name: impl Fn(&TransactionOutcome) -> &'static str,
) -> BTreeMap<&'static str, Proportion> {
    let mut counts = BTreeMap::new();
    for one in transactions {
        *counts.entry(name(one)).or_default() += 1_u64;
    }
    let of = length(transactions);
    counts.into_iter().map(|(name, count)| (name, Proportion::new(count, of))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::report::testing::{accepted, huge, pending, run, undetermined};

    #[test]
    fn transactions_are_counted_in_all_and_by_kind() {
        let wrong = TransactionOutcome { is_wrong: true, ..accepted(PayloadKind::Call, 30) };
        let deploy = accepted(PayloadKind::Deploy, 10);
        let runs = [
            run(1, vec![deploy, wrong]),
            run(2, vec![undetermined(PayloadKind::Call, 20), pending()]),
        ];
        let report = Report::of(&runs);

        assert_eq!(report.seeds, [1, 2]);
        assert_eq!((report.events, report.virtual_ms), (20, 4_000));
        assert_eq!(report.decided_per_second, Some(0.75));
        let all = &report.all;
        assert_eq!((all.transactions, all.decided), (4, 3));
        assert_eq!(all.decision("ACCEPTED").share, Some(0.5));
        assert_eq!(all.decision(UNDECIDED).count, 1);
        assert_eq!(all.decision("CANCELED").share, Some(0.0));
        assert_eq!(all.statuses["FINALIZED"].count, 3);
        assert_eq!((all.wrong_accepted.count, all.wrong_accepted.of), (1, 3));
        assert_eq!((all.wrong_among_accepted.count, all.wrong_among_accepted.of), (1, 2));
        assert_eq!(all.to_decision.p50_ms, Some(20));
        assert_eq!(all.to_finality.max_ms, Some(1_030));
        assert_eq!(all.rotations.counts, BTreeMap::from([(0, 3), (3, 1)]));
        let kinds: Vec<_> =
            report.kinds.iter().map(|(name, of)| (*name, of.transactions)).collect();
        assert_eq!(kinds, [("call", 2), ("deploy", 1), ("transfer", 1)]);
    }

    #[test]
    fn a_wrong_result_that_does_not_stand_is_not_counted() {
        let overturned =
            TransactionOutcome { is_wrong: true, ..undetermined(PayloadKind::Call, 20) };
        assert_eq!(Report::of(&[run(1, vec![overturned])]).all.wrong_accepted.count, 0);
    }

    #[test]
    fn appeals_are_summed_before_they_are_shared() {
        let one = TransactionOutcome { appeals: 3, appeals_successful: 1, ..pending() };
        let report = Report::of(&[run(1, vec![one, pending()])]);
        assert_eq!(report.all.appeals_successful, Proportion::new(1, 3));
        assert_eq!(report.all.appeals.mean, Some(1.5));
    }

    #[test]
    fn nothing_and_huge_values_are_reported() {
        for runs in [vec![], vec![run(0, vec![])], vec![huge(), huge()]] {
            let report = Report::of(&runs);
            let json = report.to_json().unwrap();
            assert!(!json.contains("NaN") && !json.contains("inf"), "{json}");
        }
        assert_eq!(Report::of(&[]).decided_per_second, None);
        assert_eq!(Report::of(&[huge(), huge()]).events, u64::MAX);
    }

    #[test]
    fn a_clock_that_was_set_back_gives_no_negative_time() {
        let one = TransactionOutcome { submitted_ms: 50, ..accepted(PayloadKind::Call, 10) };
        let earlier = TransactionOutcome { decided_ms: Some(20), ..one };
        assert_eq!(Report::of(&[run(1, vec![earlier])]).all.to_decision.max_ms, Some(0));
    }
}
