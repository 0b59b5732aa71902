//! What runs measured, for people and for programs: JSON, CSV and one self-contained HTML page.
//!
//! [`Report::of`] condenses any number of runs; [`Sweep`] lines up the reports of a grid of
//! parameters; [`compare`] holds measurements against [theory](super::theory). Everything here is a
//! pure function of its input, so equal runs give equal reports, byte for byte.

mod comparison;

mod html;
mod measures;
#[cfg(test)]
mod page_tests;
mod plot;
mod statistics;
mod sweep;
mod sweep_html;
mod table;
#[cfg(test)]
mod testing;

pub use comparison::{Comparison, ComparisonError, Measured, Point, Row, compare};
pub use measures::{Measures, Report, UNDECIDED};
pub use statistics::{Confidence, Distribution, Interval, Latency, Proportion, wilson};
pub use sweep::{Parameter, Sweep, SweepError, SweepPoint};
pub use table::transactions_csv;

/// A report that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The JSON could not be written.
    #[error("could not write the report as JSON")]
    Json(#[from] serde_json::Error),
    /// The CSV could not be written.
    #[error("could not write the report as CSV: {0}")]
    Csv(String),
    /// A plot could not be drawn.
    #[error("could not draw a plot: {0}")]
    Plot(String),
}
