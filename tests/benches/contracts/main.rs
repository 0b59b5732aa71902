//! What one execution of a contract costs: in the interpreter, around it, and by the size of its
//! state.
//!
//! CPU is that of the interpreter while the contract runs ("contract"), of the worker processes
//! altogether, and of the parent; what the workers use beyond the contract is the price of
//! isolation on their side: frames, checking that nothing was left behind, freeing, and the copies
//! of warm processes for contracts that are not tame. The machine is
//! shared, so only ratios travel.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::panic,
    reason = "a benchmark prints its table and may stop at the first surprise"
)]

mod cpu;
mod jobs;

use std::time::Instant;

use cpu::Cpu;
use futures_util::future::join_all;
use jobs::{Bench, State};

/// One line of the table.
struct Row {
    name: String,
    count: usize,
    per_second: f64,
    contract: f64,
    workers: f64,
    parent: f64,
}

impl Row {
    const HEADER: &str = "| load | executions | per s | contract µs | workers µs | parent µs | isolation |\n\
                          |---|---:|---:|---:|---:|---:|---:|";

    fn print(&self) {
        let Self { name, count, per_second, contract, workers, parent } = self;
        let isolation = (workers + parent - contract) / contract * 100.0;
        println!(
            "| {name} | {count} | {per_second:.0} | {contract:.0} | {workers:.0} | {parent:.0} | \
             +{isolation:.0} % |"
        );
    }
}

async fn measure(bench: &Bench, name: &str, in_flight: usize, count: usize) -> Row {
    // Every worker has compiled the contract and everything is warm.
    join_all((0..in_flight * 4).map(|number| bench.run(number))).await;
    let (cpu, started) = (Cpu::now(), Instant::now());
    let mut contract_micros = 0;
    for batch in 0..count / in_flight {
        let runs = (0..in_flight).map(|number| bench.run(batch * in_flight + number));
        contract_micros += join_all(runs).await.into_iter().sum::<u64>();
    }
    let count = count / in_flight * in_flight;
    let (elapsed, used) = (started.elapsed(), Cpu::now().since(&cpu));
    Row {
        name: name.to_owned(),
        count,
        per_second: count as f64 / elapsed.as_secs_f64(),
        contract: contract_micros as f64 / count as f64,
        workers: used.workers.as_secs_f64() * 1e6 / count as f64,
        parent: used.parent.as_secs_f64() * 1e6 / count as f64,
    }
}

async fn run(count: usize) {
    println!("\nOne worker, one execution at a time; then as many as there are processors.\n");
    println!("{}", Row::HEADER);
    let token = Bench::token(1).await;
    measure(&token, "token: transfer", 1, count).await.print();
    measure(&Bench::nothing(1).await, "a method that does nothing", 1, count).await.print();
    measure(&Bench::alone(1).await, "as much, in a fresh process each", 1, count).await.print();
    measure(&Bench::asking(1).await, "a block that asks a model", 1, count).await.print();
    let token = Bench::token(2).await;
    measure(&token, "token: transfer, 2 workers, 8 in flight", 8, count).await.print();

    println!(
        "\nReading one item of a list, by its length; \"sent\" is the whole state sent along,"
    );
    println!("\"hot\" the same item every time, \"cold\" another one every time.\n");
    println!("{}", Row::HEADER);
    let mut rows = Vec::new();
    for (length, state) in [
        (10, State::Sent),
        (10, State::Hot),
        (1_000, State::Hot),
        (100_000, State::Hot),
        (100_000, State::Cold),
    ] {
        let bench = Bench::list(length, state).await;
        let row = measure(&bench, &format!("1 of {length}, {state:?}"), 1, count).await;
        row.print();
        rows.push(row.contract + row.parent);
    }
    let [_, small, _, large, _] = rows[..] else { panic!("five rows") };
    println!("\n1 of 100 000 costs {:.2} times what 1 of 10 costs.", large / small);
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let count = if quick { 400 } else { 4_000 };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(count));
}
