//! The files of `agora simulate --out`: reports of every scenario, and of a sweep over them.

use std::path::{Path, PathBuf};

use crate::cli::CliError;
use crate::simulation::outcome::RunOutcome;
use crate::simulation::report::{Parameter, Report, Sweep, transactions_csv};
use crate::simulation::scenario::Scenario;

/// The folder of the reports.
#[derive(Debug)]
pub(super) struct Output {
    folder: PathBuf,
}

impl Output {
    /// Creates the folder if need be.
    pub(super) fn create(folder: &Path) -> Result<Self, CliError> {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("cannot create `{}`: {error}", folder.display()))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Writes the reports over the runs of one scenario; answers with its page.
    pub(super) fn write(
        &self,
        scenario: &Scenario,
        runs: &[RunOutcome],
    ) -> Result<PathBuf, CliError> {
        let (name, report) = (&scenario.name, Report::of(runs));
        self.file(&format!("{name}.json"), &report.to_json()?)?;
        self.file(&format!("{name}.csv"), &report.to_csv()?)?;
        self.file(&format!("{name}.transactions.csv"), &transactions_csv(runs)?)?;
        self.file(&format!("{name}.html"), &report.to_html(name)?)
    }

    /// Writes the reports over all places of a grid; answers with their page.
    pub(super) fn write_sweep(
        &self,
        name: &str,
        parameters: Vec<Parameter>,
        runs: &[Vec<RunOutcome>],
    ) -> Result<PathBuf, CliError> {
        let reports = runs.iter().map(|runs| Report::of(runs)).collect();
        let sweep = Sweep::new(parameters, reports)?;
        self.file(&format!("{name}.sweep.json"), &sweep.to_json()?)?;
        self.file(&format!("{name}.sweep.csv"), &sweep.to_csv()?)?;
        self.file(&format!("{name}.sweep.html"), &sweep.to_html(name)?)
    }

    fn file(&self, name: &str, text: &str) -> Result<PathBuf, CliError> {
        let path = self.folder.join(name);
        std::fs::write(&path, text)
            .map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
        Ok(path)
    }
}
