//! Tables for spreadsheets: one row per group of transactions, and one per transaction.

use super::measures::{Measures, UNDECIDED};
use super::statistics::{Distribution, Latency, Proportion};
use super::{Report, ReportError};
use crate::domain::Status;
use crate::simulation::outcome::RunOutcome;

impl Report {
    /// A row for all transactions and one for each kind that occurred.
    pub fn to_csv(&self) -> Result<String, ReportError> {
        let row = |(group, measures): (&str, &Measures)| {
            let mut row = vec![("group".to_owned(), group.to_owned())];
            row.extend(columns(measures));
            row
        };
        write_rows(self.groups().map(row).collect())
    }
}

/// A row per transaction, in the order of the runs and of acceptance.
pub fn transactions_csv(runs: &[RunOutcome]) -> Result<String, ReportError> {
    let mut writer = writer();
    let header = [
        "seed",
        "number",
        "kind",
        "status",
        "decision",
        "is_wrong",
        "rounds",
        "rotations",
        "appeals",
        "appeals_successful",
        "submitted_ms",
        "decided_ms",
        "finalized_ms",
    ];
    writer.write_record(header).map_err(failed)?;
    for run in runs {
        for (number, one) in run.transactions.iter().enumerate() {
            let row = [
                run.seed.to_string(),
                number.to_string(),
                one.kind.name().to_owned(),
                one.status.to_string(),
                one.decision.map_or(UNDECIDED, Status::name).to_owned(),
                one.is_wrong.to_string(),
                one.rounds.to_string(),
                one.rotations.to_string(),
                one.appeals.to_string(),
                one.appeals_successful.to_string(),
                one.submitted_ms.to_string(),
                or_empty(one.decided_ms),
                or_empty(one.finalized_ms),
            ];
            writer.write_record(row).map_err(failed)?;
        }
    }
    finish(writer)
}

/// A cell with the name of its column.
pub(super) type Cell = (String, String);

/// Everything measured, in columns that are the same for every input.
pub(super) fn columns(measures: &Measures) -> Vec<Cell> {
    let mut cells =
        vec![cell("transactions", &measures.transactions), cell("decided", &measures.decided)];
    for name in decision_names() {
        cells.push(cell(
            &format!("decision_{}", name.to_lowercase()),
            &measures.decision(name).count,
        ));
    }
    for status in Status::ALL {
        let count = measures.statuses.get(status.name()).map_or(0, |share| share.count);
        cells.push(cell(&format!("status_{}", status.name().to_lowercase()), &count));
    }
    proportion(&mut cells, "accepted", &measures.decision(Status::Accepted.name()));
    proportion(&mut cells, "undetermined", &measures.decision(Status::Undetermined.name()));
    proportion(&mut cells, "wrong_accepted", &measures.wrong_accepted);
    proportion(&mut cells, "wrong_among_accepted", &measures.wrong_among_accepted);
    distribution(&mut cells, "rounds", &measures.rounds);
    distribution(&mut cells, "rotations", &measures.rotations);
    distribution(&mut cells, "appeals", &measures.appeals);
    proportion(&mut cells, "appeals_successful", &measures.appeals_successful);
    latency(&mut cells, "to_decision", &measures.to_decision);
    latency(&mut cells, "to_finality", &measures.to_finality);
    cells
}

/// The names a last decision can have, in the order of a transaction's life.
pub(super) fn decision_names() -> impl Iterator<Item = &'static str> {
    let decided = Status::ALL.into_iter().filter(|status| status.is_decided()).map(Status::name);
    std::iter::once(UNDECIDED).chain(decided)
}

fn cell(name: &str, value: &impl ToString) -> Cell {
    (name.to_owned(), value.to_string())
}

fn or_empty(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn proportion(cells: &mut Vec<Cell>, name: &str, of: &Proportion) {
    cells.push(cell(&format!("{name}_count"), &of.count));
    cells.push(cell(&format!("{name}_of"), &of.of));
    cells.push(cell(&format!("{name}_share"), &or_empty(of.share)));
    cells.push(cell(&format!("{name}_low_95"), &of.interval.low));
    cells.push(cell(&format!("{name}_high_95"), &of.interval.high));
}

fn distribution(cells: &mut Vec<Cell>, name: &str, of: &Distribution) {
    cells.push(cell(&format!("{name}_mean"), &or_empty(of.mean)));
    cells.push(cell(&format!("{name}_max"), &or_empty(of.max)));
}

fn latency(cells: &mut Vec<Cell>, name: &str, of: &Latency) {
    cells.push(cell(&format!("{name}_mean_ms"), &or_empty(of.mean_ms)));
    cells.push(cell(&format!("{name}_p50_ms"), &or_empty(of.p50_ms)));
    cells.push(cell(&format!("{name}_p90_ms"), &or_empty(of.p90_ms)));
    cells.push(cell(&format!("{name}_p99_ms"), &or_empty(of.p99_ms)));
    cells.push(cell(&format!("{name}_max_ms"), &or_empty(of.max_ms)));
}

/// Writes rows that all have the columns of the first.
pub(super) fn write_rows(rows: Vec<Vec<Cell>>) -> Result<String, ReportError> {
    let mut writer = writer();
    if let Some(first) = rows.first() {
        writer.write_record(first.iter().map(|(name, _)| name)).map_err(failed)?;
    }
    for row in rows {
        writer.write_record(row.iter().map(|(_, value)| value)).map_err(failed)?;
    }
    finish(writer)
}

fn writer() -> csv::Writer<Vec<u8>> {
    csv::Writer::from_writer(Vec::new())
}

fn finish(writer: csv::Writer<Vec<u8>>) -> Result<String, ReportError> {
    let bytes = writer.into_inner().map_err(|error| ReportError::Csv(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| ReportError::Csv(error.to_string()))
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
fn failed(error: csv::Error) -> ReportError {
    ReportError::Csv(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::PayloadKind;
    use crate::simulation::report::testing::{accepted, huge, pending, run};

    /// The table as rows of cells; every row must be as long as the header.
    fn read(text: &str) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let row = |row: csv::StringRecord| row.iter().map(str::to_owned).collect();
        reader.records().map(|record| row(record.unwrap())).collect()
    }

    #[test]
    fn the_summary_has_a_row_for_all_and_for_each_kind() {
        let runs = [run(1, vec![accepted(PayloadKind::Call, 40), pending()])];
        let rows = read(&Report::of(&runs).to_csv().unwrap());
        let groups: Vec<_> = rows.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(groups, ["group", "all", "call", "transfer"]);
        let column = |name: &str| rows[0].iter().position(|cell| cell == name).unwrap();
        assert_eq!(rows[1][column("decision_accepted")], "1");
        assert_eq!(rows[1][column("accepted_share")], "0.5");
        assert_eq!(rows[2][column("to_decision_p99_ms")], "40");
        assert_eq!(rows[3][column("to_decision_p99_ms")], "");
    }

    #[test]
    fn columns_do_not_depend_on_what_was_measured() {
        let header = |runs: &[RunOutcome]| read(&Report::of(runs).to_csv().unwrap()).remove(0);
        assert_eq!(header(&[]), header(&[huge()]));
    }

    #[test]
    fn a_row_per_transaction() {
        let runs = [run(7, vec![pending(), accepted(PayloadKind::Call, 40)]), huge()];
        let rows = read(&transactions_csv(&runs).unwrap());
        assert_eq!(rows.len(), 5);
        assert_eq!(rows[2].join(","), "7,1,call,FINALIZED,ACCEPTED,false,1,0,0,0,0,40,1040");
        assert_eq!(rows[1].join(","), "7,0,transfer,PENDING,UNDECIDED,false,0,0,0,0,0,,");
        assert_eq!(read(&transactions_csv(&[]).unwrap()).len(), 1);
    }
}
