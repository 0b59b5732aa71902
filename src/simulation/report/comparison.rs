//! Measurements beside theory, with a verdict for each.

use std::fmt::Write as _;

use serde::Serialize;

use super::ReportError;
use super::statistics::{Confidence, Interval, float, wilson};
use crate::domain::{PayloadKind, Status};
use crate::simulation::outcome::RunOutcome;
use crate::simulation::theory::{Appeals, Model, ModelError};

/// A place where theory predicts and a simulation measures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// What the table calls it.
    pub name: String,
    /// The network and its rules.
    pub model: Model,
    /// What is appealed.
    pub appeals: Appeals,
}

/// How the decided transactions of a simulation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Measured {
    /// A right result stands accepted.
    pub right_accepted: u64,
    /// A wrong result stands accepted.
    pub wrong_accepted: u64,
    /// Nothing is accepted.
    pub undetermined: u64,
    /// Any other decision, of which theory knows nothing.
    pub other: u64,
}

impl Measured {
    /// Counts the last decisions of what went through consensus: transfers do not.
    pub fn of(runs: &[RunOutcome]) -> Self {
        let mut measured = Self::default();
        let all = runs.iter().flat_map(|run| &run.transactions);
        for one in all.filter(|one| one.kind != PayloadKind::Transfer) {
            match one.decision {
                None => {}
                Some(Status::Accepted) if one.is_wrong => measured.wrong_accepted += 1,
                Some(Status::Accepted) => measured.right_accepted += 1,
                Some(Status::Undetermined) => measured.undetermined += 1,
                Some(_) => measured.other += 1,
            }
        }
        measured
    }

    fn total(self) -> u64 {
        [self.right_accepted, self.wrong_accepted, self.undetermined, self.other]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

/// One end of one point, measured and predicted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The point.
    pub point: String,
    /// The end.
    pub end: &'static str,
    /// How many ended so.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// The share; `None` when nothing was measured.
    pub share: Option<f64>,
    /// Wilson's interval at 99 %.
    pub interval: Interval,
    /// What theory says.
    pub theory: f64,
    /// Does the interval hold what theory says?
    pub is_inside: bool,
}

/// All points, three rows each.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The rows, in the order of the points.
    pub rows: Vec<Row>,
    /// How many rows have theory outside their interval.
    pub outside: usize,
}

/// Points and measurements that cannot be compared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ComparisonError {
    /// Not one measurement for each point.
    #[error("`{points}` points need as many measurements, not `{measured}`")]
    Measurements {
        /// Points.
        points: usize,
        /// Measurements.
        measured: usize,
    },
    /// A point without theory.
    #[error("nothing is computed for point `{point}`")]
    Model {
        /// The point.
        point: String,
        /// Why.
        #[source]
        source: ModelError,
    },
}

/// Compares each measurement with what theory says about its point.
pub fn compare(points: &[Point], measured: &[Measured]) -> Result<Comparison, ComparisonError> {
    if points.len() != measured.len() {
        let (points, measured) = (points.len(), measured.len());
        return Err(ComparisonError::Measurements { points, measured });
    }
    let mut rows = Vec::new();
    for (point, measured) in points.iter().zip(measured) {
        let failed = |source| ComparisonError::Model { point: point.name.clone(), source };
        let theory = point.model.probabilities(point.appeals).map_err(failed)?;
        rows.extend(
            [
                ("right accepted", measured.right_accepted, theory.right_accepted),
                ("wrong accepted", measured.wrong_accepted, theory.wrong_accepted),
                ("undetermined", measured.undetermined, theory.undetermined),
            ]
            .map(|(end, count, theory)| {
                let of = measured.total();
                let interval = wilson(count, of, Confidence::Percent99);
                let share = (of > 0).then(|| float(count) / float(of));
                let is_inside = interval.contains(theory);
                let point = point.name.clone();
                Row { point, end, count, of, share, interval, theory, is_inside }
            }),
        );
    }
    let outside = rows.iter().filter(|row| !row.is_inside).count();
    Ok(Comparison { rows, outside })
}

impl Comparison {
    /// As indented JSON.
    pub fn to_json(&self) -> Result<String, ReportError> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// As a table in Markdown, and what to expect of it.
    pub fn to_markdown(&self) -> String {
        let mut text = String::from(
            "| point | end | measured | share | 99 % interval | theory | inside |\n\
             |---|---|---:|---:|---:|---:|---|\n",
        );
        for row in &self.rows {
            let share = row.share.map_or_else(|| "–".to_owned(), percent);
            let _infallible = writeln!(
                text,
                "| {} | {} | {} of {} | {share} | {} to {} | {} | {} |",
                markdown_cell(&row.point),
                row.end,
                row.count,
                row.of,
                percent(row.interval.low),
                percent(row.interval.high),
                percent(row.theory),
                if row.is_inside { "yes" } else { "**no**" },
            );
        }
        let _infallible = writeln!(
            text,
            "\n{} of {} rows outside; by chance alone one in a hundred is.",
            self.outside,
            self.rows.len()
        );
        text
    }
}

/// A share with the places it takes to see where in an interval it lies.
fn percent(share: f64) -> String {
    format!("{:.3} %", share * 100.0)
}

/// Text that cannot end its cell or begin markup.
fn markdown_cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' => cell.push(' '),
            '|' | '*' | '_' | '`' | '[' | ']' | '<' | '>' | '\\' => cell.extend(['\\', character]),
            other => cell.push(other),
        }
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::outcome::TransactionOutcome;
    use crate::simulation::report::testing::{accepted, pending, run, undetermined};
    use crate::simulation::theory::{WrongResults, Wrongness};

    /// One seat, no rotation: right, wrong or neither exactly as often as the one validator is.
    fn coin(name: &str, p: f64) -> Point {
        let model = Model {
            validators: 10,
            committee: 1,
            rotations_max: 0,
            wrongness: Wrongness::Executions(p),
            wrong_results: WrongResults::Equal,
        };
        Point { name: name.to_owned(), model, appeals: Appeals::NONE }
    }

    fn counts(right_accepted: u64, wrong_accepted: u64) -> Measured {
        Measured { right_accepted, wrong_accepted, ..Measured::default() }
    }

    #[test]
    fn theory_inside_the_interval_passes_and_outside_it_does_not() {
        for (right, wrong, expected) in [
            (900, 100, [true, true, true]),
            (880, 120, [true, true, true]),
            (800, 200, [false, false, true]),
            (1_000, 0, [false, false, true]),
        ] {
            let table = compare(&[coin("a", 0.1)], &[counts(right, wrong)]).unwrap();
            let verdicts: Vec<_> = table.rows.iter().map(|row| row.is_inside).collect();
            assert_eq!(verdicts, expected, "{right} {wrong}");
            assert_eq!(table.outside, expected.iter().filter(|inside| !**inside).count());
        }
    }

    #[test]
    fn certain_ends_are_inside_when_they_always_happened() {
        let table = compare(&[coin("sure", 0.0)], &[counts(50, 0)]).unwrap();
        assert_eq!(table.outside, 0);
        let table = compare(&[coin("never", 0.0)], &[counts(49, 1)]).unwrap();
        assert_eq!(table.outside, 2);
    }

    #[test]
    fn other_decisions_count_against_theory() {
        let timeouts = Measured { other: 500, ..counts(450, 50) };
        assert_eq!(compare(&[coin("a", 0.1)], &[timeouts]).unwrap().outside, 2);
    }

    #[test]
    fn nothing_measured_contradicts_nothing() {
        let table = compare(&[coin("a", 0.1)], &[Measured::default()]).unwrap();
        assert_eq!((table.outside, table.rows[0].share), (0, None));
        assert!(table.to_markdown().contains("| – | 0.000 % to 100.000 % | 90.000 % | yes |"));
        assert!(compare(&[], &[]).unwrap().rows.is_empty());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let error = compare(&[coin("a", 0.1)], &[]).unwrap_err().to_string();
        assert_eq!(error, "`1` points need as many measurements, not `0`");
        let error = compare(&[coin("a", 2.0)], &[counts(1, 1)]).unwrap_err().to_string();
        assert!(error.contains("point `a`"), "{error}");
    }

    #[test]
    fn the_table_reads_as_markdown_and_as_json() {
        let table = compare(&[coin("x|y\n*z*", 0.1)], &[counts(800, 200)]).unwrap();
        let text = table.to_markdown();
        let row = "| x\\|y \\*z\\* | wrong accepted | 200 of 1000 | 20.000 % | 16.944 % to 23.451 % | 10.000 % | **no** |";
        assert!(text.contains(row), "{text}");
        assert!(text.ends_with("\n2 of 3 rows outside; by chance alone one in a hundred is.\n"));
        let json: serde_json::Value = serde_json::from_str(&table.to_json().unwrap()).unwrap();
        assert_eq!(json["rows"][1]["is_inside"], false);
        assert_eq!(json["rows"][1]["count"], 200);
    }

    #[test]
    fn transfers_and_the_undecided_are_not_measured() {
        let call = || accepted(PayloadKind::Call, 5);
        let wrong = TransactionOutcome { is_wrong: true, ..call() };
        let timeout = TransactionOutcome { decision: Some(Status::LeaderTimeout), ..call() };
        let waiting = TransactionOutcome { decision: None, ..call() };
        let transfer = accepted(PayloadKind::Transfer, 5);
        let first = run(1, vec![call(), wrong, timeout, waiting, transfer, pending()]);
        let second = run(2, vec![undetermined(PayloadKind::Deploy, 5)]);
        let expected = Measured { right_accepted: 1, wrong_accepted: 1, undetermined: 1, other: 1 };
        assert_eq!(Measured::of(&[first, second]), expected);
    }
}
