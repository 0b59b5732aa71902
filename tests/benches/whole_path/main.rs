//! What one transaction costs on its whole path, with contracts that answer at once.
//!
//! Prints CPU time per transaction (of the whole process: clients, actors, storage), transactions
//! per second, latency from submission to durable acceptance, and the ratio to a toy of the same
//! message pattern, all in one run: the machine is shared, so only ratios travel.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a benchmark prints its table and may stop at the first surprise"
)]

mod load;
mod measure;
mod toy;

use std::time::Duration;

use load::{Load, Work};
use measure::Figures;

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let count = if quick { 2_000 } else { 10_000 };
    println!("One row per load; CPU is of the whole process, per transaction.\n");
    println!("{}", Figures::HEADER);

    let bare = toy::messages_only(count);
    println!("{}", bare.row("toy: messages only, no storage", None));
    let shared = toy::with_shared_commits(count, 64);
    println!("{}", shared.row("toy: one row each, shared commits, 64 in flight", None));

    for in_flight in [1, 8, 64] {
        for (name, work) in [
            ("calls, one contract", Work::Calls { contracts: 1 }),
            ("calls, 100 contracts", Work::Calls { contracts: 100 }),
            ("transfers, 100 recipients", Work::Transfers { recipients: 100 }),
        ] {
            let count = if in_flight == 1 { count / 4 } else { count };
            let load = Load { work, in_flight, count, finality_window: Duration::from_hours(1) };
            let name = format!("{name}, {in_flight} in flight");
            println!("{}", load::run(load).row(&name, Some(&shared)));
        }
    }
    let final_too = Load {
        work: Work::Calls { contracts: 100 },
        in_flight: 64,
        count,
        finality_window: Duration::ZERO,
    };
    println!(
        "{}",
        load::run(final_too)
            .row("calls, 100 contracts, 64 in flight, finalized too", Some(&shared))
    );

    println!(
        "\nCost by length of the queue (calls to 100 contracts, all waiting before the start):"
    );
    println!("{}", Figures::HEADER);
    let lengths: &[usize] =
        if quick { &[100, 1_000, 10_000] } else { &[100, 1_000, 10_000, 100_000] };
    for queued in lengths {
        let figures = load::run_queued(*queued);
        println!("{}", figures.row(&format!("{queued} queued"), Some(&shared)));
    }
}
