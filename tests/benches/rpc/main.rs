//! JSON-RPC under load, as a ratio to a bare actix-web handler that reads and answers JSON.
//!
//! Client and server share the machine's processors, so only ratios of one run travel. Contracts
//! answer at once: what they cost is in the benchmark `contracts`. `-- WORD…` measures only requests
//! whose name contains one of the words.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a benchmark prints its table and may stop at the first surprise"
)]

mod client;
mod signing;
mod world;

use std::net::SocketAddr;
use std::time::Duration;

use client::{Figures, Requests, measure};
use serde_json::{Value as Json, json};
use world::World;

const CONNECTIONS: [usize; 3] = [1, 16, 64];

fn body(method: &str, params: &Json) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
}

/// Every connection asks the same, as often.
fn same(method: &str, params: &Json, connections: usize, count: usize) -> Vec<Requests> {
    let bodies = vec![body(method, params); count / connections];
    (0..connections).map(|_| Requests { path: "/api", bodies: bodies.clone() }).collect()
}

/// Measures away from the thread that the network's actors run on.
async fn measured(server: SocketAddr, lists: Vec<Requests>) -> Figures {
    actix_web::rt::task::spawn_blocking(move || measure(server, lists)).await.unwrap()
}

fn row(name: &str, connections: usize, figures: &Figures, bare: &Figures) {
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "| {name} | {connections} | {:.0} | {:.2} | {:.2} | {:.2} |",
        figures.per_second,
        millis(figures.p50),
        millis(figures.p99),
        figures.per_second / bare.per_second,
    );
}

async fn run(count: usize, words: &[String]) {
    let is_wanted =
        |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let (world, bare_server) = (World::start().await, world::bare());
    let reads = [
        ("eth_blockNumber", json!([])),
        ("eth_getBalance", json!([world::account(0).address(), "latest"])),
        ("eth_getTransactionByHash", json!([world.hash])),
        ("gen_call", signing::read(&world)),
    ];
    println!("| request | connections | per s | p50 ms | p99 ms | of bare |");
    println!("|---|---:|---:|---:|---:|---:|");
    let mut next_nonces = vec![0; CONNECTIONS[2]];
    // The contract was deployed by the first of them.
    next_nonces[0] = 1;
    for connections in CONNECTIONS {
        // What runs for the first time is not measured.
        measured(bare_server, same("warm", &json!([]), connections, count / 4)).await;
        let bare = measured(bare_server, same("bare", &json!([]), connections, count)).await;
        row("bare handler", connections, &bare, &bare);
        for (method, params) in reads.iter().filter(|(method, _)| is_wanted(method)) {
            measured(world.server, same(method, params, connections, count / 8)).await;
            let figures = measured(world.server, same(method, params, connections, count)).await;
            row(method, connections, &figures, &bare);
        }
        if !is_wanted("eth_sendRawTransaction") {
            continue;
        }
        let sent = signing::calls(&world, &mut next_nonces[..connections], count / 8);
        let figures = measured(world.server, sent).await;
        row("eth_sendRawTransaction", connections, &figures, &bare);
    }
}

fn main() {
    let (options, words): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let quick = options.iter().any(|option| option == "--quick");
    actix_web::rt::System::new().block_on(run(if quick { 4_000 } else { 40_000 }, &words));
}
