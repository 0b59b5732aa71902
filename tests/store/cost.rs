//! What a transaction costs the store, in statements.

use std::cell::Cell;
use std::time::Duration;

use agora::storage::{self, SubmitContext};
use diesel::connection::{Connection as _, Instrumentation, InstrumentationEvent};

use crate::harness::{CHAIN, Store, accepted, alice, at, call};

on_both_databases!(a_transaction_costs_few_statements);

thread_local! {
    static STATEMENTS: Cell<usize> = const { Cell::new(0) };
}

struct Counter(bool);

impl Instrumentation for Counter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            STATEMENTS.set(STATEMENTS.get() + 1);
            if self.0 {
                eprintln!("{query}");
            }
        }
    }
}

/// The hot path: submit, claim, decide with one page, finalize, thirty of each per batch.
fn a_transaction_costs_few_statements(store: &mut Store) {
    const COUNT: usize = 30;
    let contract = store.deployed();
    let deploy = store.events()[0].transaction;
    store.finalize(deploy, 9_000);
    let submit = SubmitContext { chain_id: CHAIN, sandbox_mint: true, at: at(1) };
    let verbose = std::env::var_os("AGORA_TEST_STATEMENTS").is_some();
    store.conn.set_instrumentation(Counter(verbose));
    let rounds: usize =
        std::env::var("AGORA_TEST_ROUNDS").map_or(1, |rounds| rounds.parse().unwrap());
    let mut spent = [Duration::ZERO; 4];
    for _ in 0..rounds {
        STATEMENTS.set(0);
        let hashes = timed(&mut spent[0], || {
            store.write(|conn, ctx| {
                let new = call(alice(), contract, 0);
                (0..COUNT)
                    .map(|_| Ok(storage::transaction_submit_in_txn(conn, ctx, &new, &submit)?.hash))
                    .collect::<Result<Vec<_>, _>>()
            })
        });
        for hash in &hashes {
            let job = timed(&mut spent[1], || store.job(*hash));
            let decision = accepted(&job, &[(0, "page")]);
            timed(&mut spent[2], || store.decide(&decision)).unwrap();
        }
        timed(&mut spent[3], || {
            store.write(|conn, ctx| {
                for hash in &hashes {
                    assert!(storage::transaction_finalize_in_txn(conn, ctx, *hash, at(9_000))?);
                }
                Ok(())
            });
        });
    }
    // Each decision is a batch of its own here, which adds five: begin, last cursor, outbox, last
    // block, block.
    let statements = STATEMENTS.get() / COUNT;
    let total = u32::try_from(COUNT * rounds).unwrap();
    let spent = spent.map(|spent| spent / total);
    eprintln!(
        "statements per transaction: {statements}; submit, claim, decide, finalize: {spent:?}"
    );
    assert!(statements <= 28, "{statements} statements per transaction");
}

fn timed<R>(spent: &mut Duration, work: impl FnOnce() -> R) -> R {
    let start = cpu_time();
    let answer = work();
    *spent += cpu_time().saturating_sub(start);
    answer
}

/// CPU time of this thread; zero where the system does not tell.
fn cpu_time() -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = statistics.split(' ').next().and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}
