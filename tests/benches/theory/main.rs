//! The simulator against theory: how often a right and how often a wrong result is accepted, as
//! measured and as computed. The table is in `SIMULATOR.md`.
//!
//!     cargo bench --bench theory               # measure, and fail when theory is too often outside
//!     cargo bench --bench theory -- --write    # and write the table
//!
//! Every run has its seed, so the table is the same on every machine, until something changes the
//! order in which the network works: then the same theory holds for other samples.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it finds is for the screen")]

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use agora::simulation::report::{Measured, Point, compare};
use agora::simulation::scenario::Scenario;
use agora::simulation::theory::{Appeals, Model, WrongResults, Wrongness};
use agora::simulation::{Campaign, Traces};

/// Transactions of one point.
const TRANSACTIONS: u64 = 3_000;
/// Runs they are spread over.
const RUNS: u64 = 6;
/// Of 99 in 100 intervals theory is inside. Of this many rows more than that outside would be a
/// coincidence of less than 1 in 1 000.
const OUTSIDE_MAX: usize = 5;

const DOCUMENT: &str = "SIMULATOR.md";
const BEGIN: &str = "<!-- theory: begin -->\n";
const END: &str = "<!-- theory: end -->";

fn points() -> Vec<Point> {
    use WrongResults::{Different, Equal};
    use Wrongness::{Executions, Validators};
    let plans = [
        (25, 5, 3, Executions(0.1), Equal),
        (25, 5, 3, Executions(0.3), Equal),
        (25, 5, 3, Executions(0.45), Equal),
        (25, 5, 3, Executions(0.3), Different),
        (25, 5, 0, Executions(0.3), Equal),
        (25, 7, 2, Executions(0.4), Equal),
        (25, 4, 1, Executions(0.4), Equal),
        (25, 5, 3, Validators(5), Equal),
        (25, 5, 3, Validators(10), Equal),
        (25, 5, 3, Validators(10), Different),
        (30, 7, 1, Validators(12), Equal),
    ];
    let mut points = Vec::new();
    for (validators, committee, rotations_max, wrongness, wrong_results) in plans {
        for appeals in [Appeals::NONE, Appeals::ALL] {
            let model = Model { validators, committee, rotations_max, wrongness, wrong_results };
            points.push(Point { name: name(&model, appeals), model, appeals });
        }
    }
    points
}

fn name(model: &Model, appeals: Appeals) -> String {
    let Model { validators, committee, rotations_max, .. } = model;
    let wrong = match model.wrongness {
        Wrongness::Executions(p) => format!("each execution wrong with p = {p}"),
        Wrongness::Validators(wrong) => format!("{wrong} always wrong"),
    };
    let results = match model.wrong_results {
        WrongResults::Equal => "equally",
        WrongResults::Different => "differently",
    };
    let appeals = if appeals == Appeals::NONE { "no appeal" } else { "one appeal" };
    format!("{committee} of {validators}, {rotations_max} rotations, {wrong}, {results}; {appeals}")
}

/// The same point as a scenario: deploys only, so that no transaction depends on another.
fn scenario(point: &Point) -> Result<Scenario, Box<dyn Error>> {
    let Model { validators, committee, rotations_max, .. } = point.model;
    let (count, probability) = match point.model.wrongness {
        Wrongness::Executions(p) => (validators, p),
        Wrongness::Validators(wrong) => (wrong, 1.0),
    };
    let results = match point.model.wrong_results {
        WrongResults::Equal => "equal",
        WrongResults::Different => "different",
    };
    let policy = if point.appeals == Appeals::NONE { "never" } else { "always" };
    let transactions = TRANSACTIONS / RUNS;
    let text = format!(
        "[network]
         validators = {validators}
         committee = {committee}
         rotations = {rotations_max}
         [[behaviour]]
         count = {count}
         kind = \"wrong\"
         results = \"{results}\"
         probability = {probability:?}
         [workload]
         arrival = \"closed 64\"
         count = {transactions}
         contracts = 0
         mix = {{ deploy = 1 }}
         [appeals]
         policy = \"{policy}\"
        "
    );
    Ok(Scenario::parse(Path::new("theory.toml"), &text)?)
}

fn measure(points: &[Point]) -> Result<Vec<Measured>, Box<dyn Error>> {
    let scenarios = points.iter().map(|point| scenario(point).map(Arc::new));
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let campaign = Campaign {
        scenarios: scenarios.collect::<Result<_, _>>()?,
        seeds: 1..=RUNS,
        jobs,
        traces: Traces::None,
    };
    let runs = Mutex::new(vec![Vec::new(); points.len()]);
    let result = campaign.run(&|index, outcome| {
        if let Ok(mut runs) = runs.lock()
            && let Some(runs) = runs.get_mut(index)
        {
            runs.push(outcome);
        }
    });
    if let Some((scenario, error)) = result.failed {
        return Err(format!("{}: {error}", scenario.name).into());
    }
    let runs = runs.into_inner().map_err(|error| error.to_string())?;
    Ok(runs.iter().map(|runs| Measured::of(runs)).collect())
}

fn table() -> Result<(String, usize), Box<dyn Error>> {
    let points = points();
    let measured = measure(&points)?;
    let comparison = compare(&points, &measured)?;
    let mut text = comparison.to_markdown();
    writeln!(text, "\n{TRANSACTIONS} transactions per point, seeds 1 to {RUNS}.")?;
    Ok((text, comparison.outside))
}

fn run(is_writing: bool) -> Result<bool, Box<dyn Error>> {
    let (table, outside) = table()?;
    println!("{table}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT);
    let document = std::fs::read_to_string(&path)?;
    let (before, rest) = document.split_once(BEGIN).ok_or("the document has no table")?;
    let (stored, after) = rest.split_once(END).ok_or("the table has no end")?;
    println!("theory is outside of {outside} intervals; {OUTSIDE_MAX} may be chance");
    if is_writing {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}"))?;
    } else if stored != table {
        println!("{DOCUMENT} holds other samples: `cargo bench --bench theory -- --write`");
    }
    Ok(outside <= OUTSIDE_MAX)
}

fn main() -> ExitCode {
    let is_writing = std::env::args().any(|argument| argument == "--write");
    match run(is_writing) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
