//! `SIMULATOR.md` explains every key of a scenario file and every shipped scenario.

use std::collections::BTreeSet;
use std::path::Path;

use agora::simulation::scenario::Scenario;

fn document() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("SIMULATOR.md")).unwrap()
}

/// The keys that a table knows, as its own error message lists them.
fn keys_of(table: &str) -> BTreeSet<String> {
    let workload = "[workload]\narrival = \"all at once\"\ncount = 1\n";
    let text = match table {
        "" => format!("no_such_key = 1\n{workload}"),
        "[workload]" => format!("{workload}no_such_key = 1\n"),
        table => format!("{table}\nno_such_key = 1\n{workload}"),
    };
    let error = Scenario::parse(Path::new("keys.toml"), &text).unwrap_err().message;
    let (_, listed) = error.split_once("expected one of").unwrap_or_else(|| {
        error.split_once("expected").unwrap_or_else(|| panic!("{table}: {error}"))
    });
    let quoted = listed.split('`').skip(1).step_by(2);
    quoted.map(str::to_owned).collect()
}

#[test]
fn every_key_is_in_the_reference_and_no_other() {
    let document = document();
    for (heading, table) in [
        ("## `[network]`", "[network]"),
        ("## `[[behaviour]]`", "[[behaviour]]"),
        ("## `[workload]`", "[workload]"),
        ("## `[appeals]`", "[appeals]"),
        ("## `[latency]`", "[latency]"),
        ("## `[[crash]]`", "[[crash]]"),
        ("## `[[store_fault]]`", "[[store_fault]]"),
    ] {
        let (_, section) = document.split_once(&format!("#{heading}\n")).unwrap_or_else(|| {
            panic!("SIMULATOR.md has no section {heading}");
        });
        let section = section.split_once("\n##").map_or(section, |(section, _)| section);
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
        let written: BTreeSet<String> =
            rows.filter_map(|row| row.split_once('`')).map(|(key, _)| key.to_owned()).collect();
        assert_eq!(written, keys_of(table), "{heading}");
    }
}

#[test]
fn every_shipped_scenario_is_listed_with_what_it_shows() {
    let document = document();
    for path in super::shipped() {
        let scenario = Scenario::read(&path).unwrap();
        let row = format!("| `{}` | {} |", scenario.name, scenario.description);
        assert!(document.contains(&row), "SIMULATOR.md should say: {row}");
    }
}
