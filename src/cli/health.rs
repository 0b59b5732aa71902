//! `agora health`: is a running network ready? Made for the health check of a container.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use clap::Args;

use super::{CliError, EXIT_FAILURE, EXIT_OK, say};

#[derive(Debug, Args)]
pub(super) struct HealthArguments {
    /// Where the network listens.
    #[arg(long, default_value = "http://127.0.0.1:4000")]
    url: String,
    /// How long to wait for an answer, in seconds.
    #[arg(long, default_value_t = 5)]
    timeout: u64,
}

pub(super) fn run(arguments: &HealthArguments) -> Result<u8, CliError> {
    let answer = ask(&arguments.url, Duration::from_secs(arguments.timeout.max(1)))?;
    let is_ready = answer.starts_with("HTTP/1.1 200");
    say(answer.split("\r\n\r\n").nth(1).unwrap_or(&answer));
    Ok(if is_ready { EXIT_OK } else { EXIT_FAILURE })
}

/// One HTTP/1.1 request; the whole answer as text.
fn ask(url: &str, timeout: Duration) -> Result<String, CliError> {
    let host = url
        .strip_prefix("http://")
        .map(|rest| rest.trim_end_matches('/'))
        .filter(|host| !host.is_empty() && !host.contains('/'))
        .ok_or_else(|| format!("`{url}` is not of the form http://host:port"))?;
    let address = host
        .to_socket_addrs()
        .map_err(|error| format!("cannot find `{host}`: {error}"))?
        .next()
        .ok_or_else(|| format!("`{host}` has no address"))?;
    let failed = |error: std::io::Error| format!("no answer from {url}: {error}");
    let mut stream = TcpStream::connect_timeout(&address, timeout).map_err(failed)?;
    stream.set_read_timeout(Some(timeout)).map_err(failed)?;
    stream
        .write_all(
            format!("GET /ready HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes(),
        )
        .map_err(failed)?;
    let mut answer = String::new();
    stream.take(1 << 20).read_to_string(&mut answer).map_err(failed)?;
    Ok(answer)
}
