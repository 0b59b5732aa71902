//! The simulator: shipped scenarios, traces that repeat, files that are wrong, laws that are broken.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod broken;
mod command;
mod files;
mod reference;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use agora::domain::Status;
use agora::simulation::outcome::RunOutcome;
use agora::simulation::scenario::Scenario;
use agora::simulation::{RunError, RunSettings, run};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

fn shipped() -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|ending| ending == "toml")).collect();
    files.sort();
    files
}

fn read(name: &str) -> Arc<Scenario> {
    Arc::new(Scenario::read(&folder().join(format!("{name}.toml"))).unwrap())
}

fn parse(text: &str) -> Arc<Scenario> {
    Arc::new(Scenario::parse(Path::new("test.toml"), text).unwrap())
}

fn seed(seed: u64) -> RunSettings {
    RunSettings { seed, ..RunSettings::default() }
}

#[track_caller]
fn clean(result: Result<RunOutcome, RunError>) -> RunOutcome {
    match result {
        Ok(outcome) => outcome,
        Err(RunError::Law(failure)) => {
            panic!("{:?}\n{}", failure.violation, failure.tail.join("\n"))
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn every_shipped_scenario_says_what_it_shows_and_keeps_the_laws() {
    let files = shipped();
    assert!(files.len() >= 10, "{files:?}");
    for file in files {
        let scenario = Arc::new(Scenario::read(&file).unwrap());
        assert!(scenario.description.ends_with('.'), "{}", file.display());
        let outcome = clean(run(&scenario, &seed(1)));
        assert!(!outcome.transactions.is_empty() && outcome.events > 0, "{}", file.display());
    }
}

#[test]
fn a_seed_gives_one_trace_and_another_seed_another() {
    for name in ["appeals_and_crashes", "crashing_actors", "slow_and_lossy"] {
        let scenario = read(name);
        let outcomes = [1, 1, 2].map(|number| clean(run(&scenario, &seed(number))));
        assert_eq!(outcomes[0], outcomes[1], "{name}");
        assert_ne!(outcomes[0].trace_digest, outcomes[2].trace_digest, "{name}");
    }
}

#[test]
fn a_day_of_windows_passes_in_a_moment_of_real_time() {
    let outcome = clean(run(&read("a_day_of_windows"), &seed(1)));
    assert!(outcome.virtual_ms > 24 * 3_600_000, "{} ms", outcome.virtual_ms);
}

#[test]
fn scenarios_make_happen_what_they_are_about() {
    let sum = |outcome: &RunOutcome,
               of: fn(&agora::simulation::outcome::TransactionOutcome) -> u32| {
        outcome.transactions.iter().map(of).sum::<u32>()
    };
    let appeals = clean(run(&read("appeals"), &seed(1)));
    let successful = sum(&appeals, |one| one.appeals_successful);
    assert!(successful > 0 && sum(&appeals, |one| one.appeals) > successful);
    let children = appeals.transactions.len();
    assert!(children > 70, "{children}: contracts send transactions of their own");

    let wrong = clean(run(&read("colluders"), &seed(1)));
    assert!(wrong.transactions.iter().any(|one| one.is_wrong), "colluders win now and then");
    assert!(sum(&wrong, |one| one.rotations) > 0);
    let founding = clean(run(&read("founding_rules"), &seed(1)));
    assert_eq!(sum(&founding, |one| one.rotations), 0, "the founding document knows no rotation");
}

#[test]
fn what_is_given_up_does_not_stop_the_others() {
    let outcome = clean(run(&read("given_up"), &seed(1)));
    let count = |status| outcome.transactions.iter().filter(|one| one.status == status).count();
    assert!(count(Status::Canceled) > 5 && count(Status::Finalized) > 20);
}

#[test]
fn what_waits_again_is_found_even_when_the_consensus_that_undid_it_is_dead() {
    let scenario = parse(
        "[network]
         validators = 30
         [[behaviour]]
         count = 30
         kind = \"wrong\"
         results = \"equal\"
         probability = 0.4
         [workload]
         arrival = \"poisson 2\"
         count = 30
         [appeals]
         policy = \"always\"
         delay = \"uniform 0s 20s\"
         [[crash]]
         what = \"consensus\"
         at = \"persisted\"
         probability = 0.3",
    );
    (1..=10).for_each(|number| drop(clean(run(&scenario, &seed(number)))));
}

/// Different wrong results never agree, so none is accepted by a strict majority.
#[test]
fn what_cannot_be_accepted_is_not() {
    let outcome = clean(run(&read("wrong_results"), &seed(3)));
    assert!(!outcome.transactions.iter().any(|one| one.is_wrong));
}
