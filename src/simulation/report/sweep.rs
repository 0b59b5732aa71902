//! Reports over a grid of parameters.

use serde::Serialize;

use super::table::{Cell, columns, write_rows};
use super::{Report, ReportError};

/// A parameter that is varied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// The values it takes, in order, as written.
    pub values: Vec<String>,
}

/// One place of the grid and what was measured there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepPoint {
    /// The value of each parameter.
    pub values: Vec<String>,
    /// What was measured.
    pub report: Report,
}

/// The reports of every combination of one or two parameters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sweep {
    parameters: Vec<Parameter>,
    points: Vec<SweepPoint>,
}

/// A grid that cannot be lined up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SweepError {
    /// More cannot be drawn on paper.
    #[error("a sweep varies one or two parameters, not `{0}`")]
    Parameters(usize),
    /// A parameter without values.
    #[error("parameter `{0}` has no values")]
    NoValues(String),
    /// A value that would be run twice.
    #[error("parameter `{name}` has the value `{value}` twice")]
    Duplicate {
        /// Of this parameter.
        name: String,
        /// This one.
        value: String,
    },
    /// Not one report for each place.
    #[error("a grid of `{expected}` points needs as many reports, not `{found}`")]
    Reports {
        /// Places of the grid.
        expected: usize,
        /// Reports.
        found: usize,
    },
}

impl Sweep {
    /// Every combination of values, in the order in which [`Self::new`] takes reports: the last
    /// parameter changes fastest.
    pub fn grid(parameters: &[Parameter]) -> Result<Vec<Vec<String>>, SweepError> {
        if !(1..=2).contains(&parameters.len()) {
            return Err(SweepError::Parameters(parameters.len()));
        }
        let mut grid = vec![Vec::new()];
        for Parameter { name, values } in parameters {
            if values.is_empty() {
                return Err(SweepError::NoValues(name.clone()));
            }
            let mut earlier = std::collections::BTreeSet::new();
            if let Some(value) = values.iter().find(|value| !earlier.insert(*value)) {
                return Err(SweepError::Duplicate { name: name.clone(), value: value.clone() });
            }
            let extended = |place: &Vec<String>| {
                let place = place.clone();
                values
                    .iter()
                    .map(move |value| [place.as_slice(), std::slice::from_ref(value)].concat())
            };
            grid = grid.iter().flat_map(extended).collect();
        }
        Ok(grid)
    }

    /// Lines up one report for every place of the [grid](Self::grid), in its order.
    pub fn new(parameters: Vec<Parameter>, reports: Vec<Report>) -> Result<Self, SweepError> {
        let grid = Self::grid(&parameters)?;
        if grid.len() != reports.len() {
            return Err(SweepError::Reports { expected: grid.len(), found: reports.len() });
        }
        let point = |(values, report)| SweepPoint { values, report };
        let points = grid.into_iter().zip(reports).map(point).collect();
        Ok(Self { parameters, points })
    }

    /// What is varied.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// What was measured, in the order of the grid.
    pub fn points(&self) -> &[SweepPoint] {
        &self.points
    }

    /// As indented JSON.
    pub fn to_json(&self) -> Result<String, ReportError> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// A row per point: the parameters, then the columns of a report's summary for all kinds.
    pub fn to_csv(&self) -> Result<String, ReportError> {
        let row = |point: &SweepPoint| {
            let names = self.parameters.iter().map(|parameter| parameter.name.clone());
            let mut row: Vec<Cell> = names.zip(point.values.iter().cloned()).collect();
            row.push(("events".to_owned(), point.report.events.to_string()));
            row.push(("virtual_ms".to_owned(), point.report.virtual_ms.to_string()));
            row.extend(columns(&point.report.all));
            row
        };
        write_rows(self.points.iter().map(row).collect())
    }
}
