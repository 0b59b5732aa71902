//! Many runs at the same time, each on a thread of its own.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::outcome::RunOutcome;
use super::runner::{RunError, RunSettings, run};
use super::scenario::Scenario;
use super::trace::TraceTo;

/// Which runs there are.
#[derive(Debug, Clone)]
pub struct Campaign {
    /// What is simulated, each under every seed.
    pub scenarios: Vec<Arc<Scenario>>,
    /// The seeds.
    pub seeds: RangeInclusive<u64>,
    /// Threads.
    pub jobs: usize,
    /// Where the traces go.
    pub traces: Traces,
}

/// Where the traces of a campaign go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Traces {
    /// Nowhere.
    #[default]
    None,
    /// To standard output.
    Screen,
    /// Into this folder, a file for each run.
    Folder(PathBuf),
}

/// What all runs together did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Runs that ended well.
    pub runs: u64,
    /// Transactions that were stored.
    pub transactions: u64,
    /// Events that were committed.
    pub events: u64,
    /// Virtual time.
    pub virtual_ms: u64,
}

impl Totals {
    fn add(&mut self, outcome: &RunOutcome) {
        self.runs += 1;
        self.transactions += u64::try_from(outcome.transactions.len()).unwrap_or(u64::MAX);
        self.events += outcome.events;
        self.virtual_ms = self.virtual_ms.saturating_add(outcome.virtual_ms);
    }
}

/// What came of a campaign.
#[derive(Debug)]
pub struct CampaignResult {
    /// All runs that ended well.
    pub totals: Totals,
    /// The first run that did not, and its scenario.
    pub failed: Option<(Arc<Scenario>, RunError)>,
}

impl Campaign {
    /// How many runs there are.
    pub fn size(&self) -> u64 {
        let seeds = self.seeds.end().saturating_sub(*self.seeds.start()).saturating_add(1);
        u64::try_from(self.scenarios.len()).unwrap_or(u64::MAX).saturating_mul(seeds)
    }

    /// Runs everything, until something fails. `done` gets every run that ended well, with the
    /// number of its scenario, in no particular order.
    pub fn run(&self, done: &(dyn Fn(usize, RunOutcome) + Sync)) -> CampaignResult {
        let next = AtomicUsize::new(0);
        let is_over = AtomicBool::new(false);
        let result = Mutex::new(CampaignResult { totals: Totals::default(), failed: None });
        let work = || {
            while !is_over.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some((index, scenario, settings)) = self.number(number) else { return };
                let outcome = run(&scenario, &settings);
                let mut result = result.lock().unwrap_or_else(PoisonError::into_inner);
                match outcome {
                    Ok(outcome) => {
                        result.totals.add(&outcome);
                        drop(result);
                        done(index, outcome);
                    }
                    Err(error) => {
                        is_over.store(true, Ordering::Relaxed);
                        result.failed.get_or_insert((scenario, error));
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(work);
            }
        });
        result.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Run number `number`: all seeds of the first scenario, then those of the next.
    fn number(&self, number: usize) -> Option<(usize, Arc<Scenario>, RunSettings)> {
        let number = u64::try_from(number).ok()?;
        if number >= self.size() {
            return None;
        }
        let seeds = self.size() / u64::try_from(self.scenarios.len()).ok()?;
        let index = usize::try_from(number / seeds).ok()?;
        let scenario = self.scenarios.get(index)?;
        let seed = self.seeds.start() + number % seeds;
        let trace = match &self.traces {
            Traces::Screen => TraceTo::Screen,
            Traces::Folder(folder) => TraceTo::File(trace_file(folder, scenario, seed)),
            Traces::None => TraceTo::Nowhere,
        };
        Some((index, Arc::clone(scenario), RunSettings { seed, trace, wrap: None }))
    }
}

/// Where the trace of a run goes.
pub fn trace_file(folder: &Path, scenario: &Scenario, seed: u64) -> PathBuf {
    folder.join(format!("{}-{seed}.trace", scenario.name))
}
