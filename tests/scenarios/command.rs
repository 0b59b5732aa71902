//! `agora simulate` as people use it.

use std::path::Path;
use std::process::{Command, Output};

use super::{folder, read, seed};

fn simulate(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agora"));
    command.arg("simulate").args(arguments).current_dir(folder()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn two_processes_write_the_same_trace_byte_for_byte() {
    let print = || simulate(&["appeals_and_crashes.toml", "--seed", "7", "--print-trace"]);
    let (one, other) = (print(), print());
    assert!(one.status.success(), "{}", text(&one.stderr));
    assert!(one.stdout.len() > 10_000 && one.stdout == other.stdout);
    let outcome = super::clean(agora::simulation::run(&read("appeals_and_crashes"), &seed(7)));
    assert!(text(&one.stderr).contains(&outcome.trace_digest.to_string()), "and so does this one");
}

#[test]
fn the_summary_tells_how_much_was_simulated_and_how_fast() {
    let output = simulate(&["silent_leader.toml", "happy_path.toml", "--seeds", "1..3"]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.starts_with("4 runs, ") && said.contains("all laws hold"), "{said}");
    assert!(said.contains("events/s") && said.contains("transactions/s per core"), "{said}");
}

#[test]
fn reports_are_written_for_people_and_for_programs() {
    let out = tempfile::tempdir().unwrap();
    let at = |name: &str| std::fs::read_to_string(out.path().join(name)).unwrap();
    let folder = out.path().to_str().unwrap();
    let arguments = ["silent_leader.toml", "--seeds", "1..4", "--out", folder, "--traces"];
    let output = simulate(&arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report: serde_json::Value = serde_json::from_str(&at("silent_leader.json")).unwrap();
    assert_eq!(report["seeds"], serde_json::json!([1, 2, 3]));
    assert!(at("silent_leader.csv").lines().count() > 1);
    assert!(at("silent_leader.transactions.csv").lines().count() > 60);
    let page = at("silent_leader.html");
    assert!(page.contains("<svg") && !page.contains("http-equiv") && !page.contains("<script src"));
    assert!(at("silent_leader-2.trace").contains("| consensus | decides"));
    assert!(text(&output.stdout).contains("silent_leader.html"), "it says where");
}

#[test]
fn a_sweep_draws_a_curve_and_with_two_keys_a_map() {
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().to_str().unwrap();
    let vary = ["--vary", "behaviour.0.count=0,1", "--vary", "network.rotations=0,2"];
    for keys in [&vary[..2], &vary[..]] {
        let arguments = [&["silent_leader.toml", "--out", folder], keys].concat();
        let output = simulate(&arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let table = Path::new(folder).join("silent_leader.sweep.csv");
        let rows = std::fs::read_to_string(&table).unwrap().lines().count();
        assert_eq!(rows, 1 + usize::pow(2, u32::try_from(keys.len() / 2).unwrap()));
        let page = table.with_extension("html");
        assert!(std::fs::read_to_string(page).unwrap().contains("<svg"));
    }
}

#[test]
fn wrong_arguments_are_named() {
    for (arguments, says) in [
        (&["silent_leader.toml", "--seeds", "9..3"][..], "`9..3` holds no seed"),
        (&["silent_leader.toml", "--seeds", "x"], "`x` is no range of seeds"),
        (&["no_such.toml"], "no_such.toml:1:1: cannot be read"),
        (&["silent_leader.toml", "--vary", "a=1"], "--out"),
        (&["silent_leader.toml", "--vary", "a", "--out", "x"], "`a` varies nothing"),
        (&["silent_leader.toml", "--jobs", "0"], "0"),
        (&[], "FILE"),
    ] {
        let output = simulate(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        let said = text(&output.stderr);
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
}
