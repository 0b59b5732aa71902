//! A client that asks one thing after another over connections that stay open.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What was measured.
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// The requests of one connection, in their order; `path` is where they go.
pub(crate) struct Requests {
    pub(crate) path: &'static str,
    pub(crate) bodies: Vec<String>,
}

/// Sends each list over a connection of its own, all at the same time, on a thread of its own.
pub(crate) fn measure(server: SocketAddr, lists: Vec<Requests>) -> Figures {
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let started = Instant::now();
            let connections = lists.into_iter().map(|list| talk(server, list));
            let mut latencies: Vec<Duration> =
                join_all(connections).await.into_iter().flatten().collect();
            let elapsed = started.elapsed();
            latencies.sort_unstable();
            let at = |share: usize| latencies[(latencies.len() - 1) * share / 100];
            let per_second = latencies.len() as f64 / elapsed.as_secs_f64();
            Figures { per_second, p50: at(50), p99: at(99) }
        })
    });
    thread.join().unwrap()
}

async fn talk(server: SocketAddr, list: Requests) -> Vec<Duration> {
    let mut socket = TcpStream::connect(server).await.unwrap();
    socket.set_nodelay(true).unwrap();
    let mut received = Vec::new();
    let mut latencies = Vec::with_capacity(list.bodies.len());
    for body in list.bodies {
        let request = format!(
            "POST {} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            list.path,
            body.len()
        );
        let started = Instant::now();
        socket.write_all(request.as_bytes()).await.unwrap();
        let answer = receive(&mut socket, &mut received).await;
        latencies.push(started.elapsed());
        assert!(answer.contains("\"result\"") && !answer.contains("\"error\":{"), "{answer}");
    }
    latencies
}

/// One answer with status 200, whose length its head tells.
async fn receive(socket: &mut TcpStream, received: &mut Vec<u8>) -> String {
    received.clear();
    loop {
        let count = socket.read_buf(received).await.unwrap();
        assert!(count > 0, "the server closed the connection");
        let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            continue;
        };
        let head = std::str::from_utf8(&received[..end]).unwrap().to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 200 "), "{head}");
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        if received.len() >= end + 4 + length {
            return String::from_utf8(received[end + 4..].to_vec()).unwrap();
        }
    }
}
