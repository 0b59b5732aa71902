//! `agora simulate`: runs scenarios, shows what became of the transactions, and what is broken.

mod output;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::{CliError, EXIT_FAILURE, EXIT_OK, say};
use crate::domain::Status;
use crate::simulation::outcome::RunOutcome;
use crate::simulation::report::{Parameter, Sweep};
use crate::simulation::scenario::{Scenario, Variation};
use crate::simulation::{Campaign, Failure, RunError, Totals, Traces, trace_file};
use output::Output;

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
  agora simulate my.toml --seeds 1..201 --out reports
  agora simulate my.toml --seeds 1..51 --vary network.committee=5,7,11 \
    --vary behaviour.0.probability=0.1,0.2,0.3 --out reports

A small scenario, complete:
  [[behaviour]]
  count = 1
  kind = \"silent\"

  [workload]
  arrival = \"poisson 10\"
  count = 100

SIMULATOR.md explains every key, and what the reports hold.";

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
    /// Folder for the reports over all runs of a scenario: JSON, CSV and an HTML page with plots.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Run the scenario with each of these values for a key; given twice, with every combination.
    /// The reports of a sweep are a curve or a heat map.
    #[arg(long, value_name = "KEY=A,B", requires = "out")]
    vary: Vec<Variation>,
    /// Write the trace of every run into the folder of the reports.
    #[arg(long, requires = "out")]
    traces: bool,
    /// Runs at the same time; as many as there are cores when absent.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Write the trace to standard output; the summary then goes to standard error.
    #[arg(long, conflicts_with_all = ["out", "vary"])]
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
    let (scenarios, parameters) = scenarios(&arguments.files, &arguments.vary)?;
    let output = arguments.out.as_deref().map(Output::create).transpose()?;
    let traces = match arguments.out {
        _ if arguments.print_trace => Traces::Screen,
        Some(folder) if arguments.traces => Traces::Folder(folder),
        _ => Traces::None,
    };
    let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut campaign = Campaign {
        scenarios,
        seeds: arguments.seeds.unwrap_or(arguments.seed..=arguments.seed),
        jobs: arguments.jobs.map_or_else(cores, NonZeroUsize::get),
        traces,
    };
    // More threads than runs have nothing to do; traces on one screen must not mix.
    let runs = usize::try_from(campaign.size()).unwrap_or(usize::MAX);
    let prints_traces = campaign.traces == Traces::Screen;
    campaign.jobs = if prints_traces { 1 } else { campaign.jobs.min(runs) };
    let runs = simulate(&campaign, output.is_some())?;
    let Some(runs) = runs else { return Ok(EXIT_FAILURE) };
    if let Some(output) = output {
        write_reports(&output, &campaign, parameters, &runs)?;
    }
    Ok(EXIT_OK)
}

/// The scenarios to run, and what is varied over them.
fn scenarios(
    files: &[PathBuf],
    vary: &[Variation],
) -> Result<(Vec<Arc<Scenario>>, Vec<Parameter>), CliError> {
    if vary.is_empty() {
        let scenarios = files.iter().map(|file| Scenario::read(file).map(Arc::new));
        return Ok((scenarios.collect::<Result<_, _>>()?, Vec::new()));
    }
    let [file] = files else {
        return Err(format!("`--vary` is for one scenario, not {}", files.len()).into());
    };
    let parameter =
        |vary: &Variation| Parameter { name: vary.key.clone(), values: vary.values.clone() };
    let parameters: Vec<Parameter> = vary.iter().map(parameter).collect();
    let place = |values: Vec<String>| {
        let keys = vary.iter().map(|vary| vary.key.as_str());
        let changes: Vec<(&str, &str)> = keys.zip(values.iter().map(String::as_str)).collect();
        Scenario::read_with(file, &changes).map(Arc::new)
    };
    let grid = Sweep::grid(&parameters)?;
    Ok((grid.into_iter().map(place).collect::<Result<_, _>>()?, parameters))
}

fn write_reports(
    output: &Output,
    campaign: &Campaign,
    parameters: Vec<Parameter>,
    runs: &[Vec<RunOutcome>],
) -> Result<(), CliError> {
    let mut pages = Vec::new();
    if parameters.is_empty() {
        for (scenario, runs) in campaign.scenarios.iter().zip(runs) {
            pages.push(output.write(scenario, runs)?);
        }
    } else {
        let path = campaign.scenarios.first().map_or(Path::new(""), |scenario| &scenario.path);
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        pages.push(output.write_sweep(&name, parameters, runs)?);
    }
    for page in pages {
        say(format_args!("report: {}", page.display()));
    }
    Ok(())
}

/// Runs everything; answers with the runs of each scenario, if they are wanted, in the order of
/// their seeds, or with nothing when a law was broken.
fn simulate(
    campaign: &Campaign,
    keeps_runs: bool,
) -> Result<Option<Vec<Vec<RunOutcome>>>, CliError> {
    let tell = |text: &str| match campaign.traces {
        Traces::Screen => crate::cli::say_aside(text),
        Traces::None | Traces::Folder(_) => say(text),
    };
    let bar = progress(campaign)?;
    let is_single = campaign.seeds.start() == campaign.seeds.end();
    let kept = Mutex::new(vec![Vec::new(); campaign.scenarios.len()]);
    let started = tokio::time::Instant::now();
    let result = campaign.run(&|index, outcome| {
        if let Some(scenario) = campaign.scenarios.get(index)
            && is_single
        {
            bar.suspend(|| tell(&summary(scenario, &outcome)));
        }
        if keeps_runs
            && let Some(runs) = kept.lock().unwrap_or_else(PoisonError::into_inner).get_mut(index)
        {
            runs.push(outcome);
        }
        bar.inc(1);
    });
    let elapsed = started.elapsed();
    bar.finish_and_clear();
    match result.failed {
        None => {
            tell(&closing(&result.totals, elapsed, campaign.jobs));
            let mut kept = kept.into_inner().unwrap_or_else(PoisonError::into_inner);
            for runs in &mut kept {
                runs.sort_by_key(|run: &RunOutcome| run.seed);
            }
            Ok(Some(kept))
        }
        Some((scenario, RunError::Law(failure))) => {
            tell(&report(campaign, &scenario, &failure));
            Ok(None)
        }
        Some((_, error)) => Err(error.into()),
    }
}

fn progress(campaign: &Campaign) -> Result<ProgressBar, CliError> {
    if campaign.size() < 2 || campaign.traces == Traces::Screen {
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
    match &campaign.traces {
        Traces::Folder(folder) => {
            let trace = trace_file(folder, scenario, *seed);
            lines.push(format!("  trace     {}", trace.display()));
        }
        Traces::Screen => {}
        Traces::None => {
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
