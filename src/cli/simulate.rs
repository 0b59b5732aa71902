//! `agora simulate`: runs scenarios, shows what became of the transactions, and what is broken.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{CliError, EXIT_FAILURE, EXIT_OK, say};
use crate::domain::Status;
use crate::simulation::outcome::RunOutcome;
use crate::simulation::scenario::Scenario;
use crate::simulation::{Campaign, Failure, RunError, Totals};

const EXAMPLES: &str = "\
A scenario says which network there is, how its validators behave, what is submitted, and what
crashes, fails or is slow. The network's own actors then run it on virtual time: a day of finality
windows takes a moment. After every event the ten laws of the protocol are checked. The first one
that is broken ends everything, with the command that replays it.

The same scenario, seed and program give the same trace, byte for byte.

Examples:
  agora simulate tests/scenarios/happy_path.toml
  agora simulate tests/scenarios/silent_leader.toml --print-trace
  agora simulate tests/scenarios/*.toml --seeds 1..101
  agora simulate my.toml --seed 7 --out traces

A small scenario, complete:
  [[behaviour]]
  count = 1
  kind = \"silent\"

  [workload]
  arrival = \"poisson 10\"
  count = 100

tests/scenarios/README.md explains every key.";

/// Run the network's own actors through a scenario on virtual time, and check the laws of the
/// protocol after every event.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, after_help = "--help shows examples.")]
pub(super) struct SimulateArguments {
    /// Scenario files (TOML).
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Everything random of a run derives from it.
    #[arg(long, default_value_t = 1, conflicts_with = "seeds", value_name = "N")]
    seed: u64,
    /// Many seeds: from A up to, not including, B; `A..=B` includes it.
    #[arg(long, value_parser = parse_seeds, value_name = "A..B")]
    seeds: Option<RangeInclusive<u64>>,
    /// Folder for the traces, a file for each run; created if need be.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Runs at the same time; as many as there are cores when absent.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Write the trace to standard output; the summary then goes to standard error.
    #[arg(long, conflicts_with = "out")]
    print_trace: bool,
}

fn parse_seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let wrong = || format!("`{text}` is no range of seeds; valid are `1..101` and `1..=100`");
    let (first, last) = text.split_once("..").ok_or_else(wrong)?;
    let number = |text: &str| text.parse::<u64>().ok();
    let last = match last.strip_prefix('=') {
        Some(last) => number(last),
        None => number(last).and_then(|end| end.checked_sub(1)),
    };
    let (first, last) = number(first).zip(last).ok_or_else(wrong)?;
    if first <= last { Ok(first..=last) } else { Err(format!("`{text}` holds no seed")) }
}

pub(super) fn run(arguments: SimulateArguments) -> Result<u8, CliError> {
    let scenarios = arguments.files.iter().map(|file| Scenario::read(file).map(Arc::new));
    let scenarios = scenarios.collect::<Result<Vec<_>, _>>()?;
    if let Some(folder) = &arguments.out {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("cannot create `{}`: {error}", folder.display()))?;
    }
    let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut campaign = Campaign {
        scenarios,
        seeds: arguments.seeds.unwrap_or(arguments.seed..=arguments.seed),
        jobs: arguments.jobs.map_or_else(cores, NonZeroUsize::get),
        prints_traces: arguments.print_trace,
        out: arguments.out,
    };
    // More threads than runs have nothing to do; traces on one screen must not mix.
    let runs = usize::try_from(campaign.size()).unwrap_or(usize::MAX);
    campaign.jobs = if campaign.prints_traces { 1 } else { campaign.jobs.min(runs) };
    simulate(&campaign)
}

fn simulate(campaign: &Campaign) -> Result<u8, CliError> {
    let tell = |text: &str| {
        if campaign.prints_traces { super::say_aside(text) } else { say(text) }
    };
    let bar = progress(campaign)?;
    let is_single = campaign.seeds.start() == campaign.seeds.end();
    let started = tokio::time::Instant::now();
    let result = campaign.run(&|scenario, outcome| {
        if is_single {
            bar.suspend(|| tell(&summary(scenario, outcome)));
        }
        bar.inc(1);
    });
    let elapsed = started.elapsed();
    bar.finish_and_clear();
    match result.failed {
        None => {
            tell(&closing(&result.totals, elapsed, campaign.jobs));
            Ok(EXIT_OK)
        }
        Some((scenario, RunError::Law(failure))) => {
            tell(&report(campaign, &scenario, &failure));
            Ok(EXIT_FAILURE)
        }
        Some((_, error)) => Err(error.into()),
    }
}

fn progress(campaign: &Campaign) -> Result<ProgressBar, CliError> {
    if campaign.size() < 2 || campaign.prints_traces {
        return Ok(ProgressBar::hidden());
    }
    let style = "{bar:40} {pos} of {len} runs, {elapsed} gone, {eta} to go";
    Ok(ProgressBar::new(campaign.size()).with_style(ProgressStyle::with_template(style)?))
}

/// One run in two lines.
fn summary(scenario: &Scenario, outcome: &RunOutcome) -> String {
    let mut decisions: BTreeMap<Status, usize> = BTreeMap::new();
    for transaction in &outcome.transactions {
        *decisions.entry(transaction.decision.unwrap_or(transaction.status)).or_default() += 1;
    }
    let decisions: Vec<String> =
        decisions.iter().map(|(status, count)| format!("{status} {count}")).collect();
    let wrong = outcome.transactions.iter().filter(|transaction| transaction.is_wrong).count();
    let rotations: u32 = outcome.transactions.iter().map(|transaction| transaction.rotations).sum();
    format!(
        "{} seed {}: {} transactions, {} events in {} of virtual time; trace {}\n  {}; {wrong} wrong \
         results accepted; {rotations} leaders replaced",
        scenario.name,
        outcome.seed,
        outcome.transactions.len(),
        outcome.events,
        seconds(Duration::from_millis(outcome.virtual_ms)),
        outcome.trace_digest,
        decisions.join(", "),
    )
}

fn closing(totals: &Totals, elapsed: Duration, jobs: usize) -> String {
    let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    let per_second = |count: u64| count.saturating_mul(1_000) / milliseconds;
    let jobs = u64::try_from(jobs).unwrap_or(u64::MAX).max(1);
    format!(
        "{} runs, {} transactions, {} events in {}: all laws hold; {} events/s, {} transactions/s per core",
        totals.runs,
        totals.transactions,
        totals.events,
        seconds(elapsed),
        per_second(totals.events),
        per_second(totals.transactions) / jobs,
    )
}

fn seconds(duration: Duration) -> String {
    format!("{}.{:03} s", duration.as_secs(), duration.subsec_millis())
}

/// A broken law: which, how, when, the last lines of the trace, and how to see it again.
fn report(campaign: &Campaign, scenario: &Scenario, failure: &Failure) -> String {
    let Failure { seed, violation, tail } = failure;
    let mut lines = vec![
        format!("BROKEN {}", violation.law),
        format!("  found     {}", violation.found),
        format!("  scenario  {}, seed {seed}, at {} ms", scenario.path.display(), violation.at_ms),
    ];
    if let Some(last) = tail.iter().rev().nth(1) {
        lines.push(format!("  step      {}", last.trim_start()));
    }
    match &campaign.out {
        Some(folder) => {
            let trace = folder.join(format!("{}-{seed}.trace", scenario.name));
            lines.push(format!("  trace     {}", trace.display()));
        }
        None if campaign.prints_traces => {}
        None => {
            lines.push("  trace     its last lines:".to_owned());
            lines.extend(tail.iter().map(|line| format!("    {line}")));
        }
    }
    let path = scenario.path.display();
    lines.push(format!("  replay    agora simulate '{path}' --seed {seed} --print-trace"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_a_range() {
        assert_eq!(parse_seeds("1..101"), Ok(1..=100));
        assert_eq!(parse_seeds("5..=5"), Ok(5..=5));
        for wrong in ["", "1", "1..", "..5", "5..5", "5..1", "0..0", "a..b"] {
            assert!(parse_seeds(wrong).is_err(), "{wrong}");
        }
    }
}
