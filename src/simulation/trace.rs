//! The trace: one line for everything that happens, equal for equal scenario, seed and program.
//!
//! ```text
//! virtual_ms | tx | rotation | actor | event
//!       2031 | 5f0c9a12 | 0 | node 3 | reveals late
//! ```
//!
//! - `virtual_ms`: the network's clock since the start of the run;
//! - `tx`: the first eight digits of the transaction's hash, `-` for what is about none;
//! - `rotation`: the leader's turn, `-` outside a round;
//! - `actor`: `client` (the workload), `queue`, `consensus`, `node N` (validator number N), `store`
//!   (what was committed), `fault` (what the scenario did to the network), `network`;
//! - `event`: what happened. The store's events are the statuses of the protocol, in the order of
//!   their cursors; `votes` are the seats' in order: Agree, Disagree, Timeout, Violation, Idle,
//!   `.` for none.

use std::collections::VecDeque;
use std::fmt::{Display, Write as _};
use std::io::Write as _;
use std::path::PathBuf;

use sha3::{Digest as _, Keccak256};

use crate::domain::{Digest, TxHash};

/// Lines that are kept for a report on the screen.
const TAIL_LINES: usize = 40;

/// Where the trace goes, besides its digest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TraceTo {
    /// Nowhere; the last lines are kept.
    #[default]
    Nowhere,
    /// Standard output.
    Screen,
    /// A file.
    File(PathBuf),
}

/// The trace of one run.
pub(super) struct Trace {
    digest: Keccak256,
    lines: u64,
    tail: VecDeque<String>,
    to: Option<Box<dyn std::io::Write + Send>>,
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trace({} lines)", self.lines)
    }
}

/// What a line is about.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct About {
    pub(super) transaction: Option<TxHash>,
    pub(super) rotation: Option<u8>,
}

impl About {
    pub(super) const NOTHING: Self = Self { transaction: None, rotation: None };

    pub(super) const fn transaction(hash: TxHash) -> Self {
        Self { transaction: Some(hash), rotation: None }
    }

    pub(super) const fn round(hash: TxHash, rotation: u8) -> Self {
        Self { transaction: Some(hash), rotation: Some(rotation) }
    }
}

impl Trace {
    pub(super) fn new(to: &TraceTo) -> std::io::Result<Self> {
        let to: Option<Box<dyn std::io::Write + Send>> = match to {
            TraceTo::Nowhere => None,
            TraceTo::Screen => Some(Box::new(std::io::BufWriter::new(std::io::stdout()))),
            TraceTo::File(path) => {
                Some(Box::new(std::io::BufWriter::new(std::fs::File::create(path)?)))
            }
        };
        Ok(Self {
            digest: Keccak256::new(),
            lines: 0,
            tail: VecDeque::with_capacity(TAIL_LINES),
            to,
        })
    }

    pub(super) fn line(&mut self, at_ms: u64, about: About, actor: &str, event: impl Display) {
        // Reuses the oldest kept line's memory.
        let mut line = if self.tail.len() < TAIL_LINES {
            String::new()
        } else {
            self.tail.pop_front().unwrap_or_default()
        };
        line.clear();
        // Writing to a string cannot fail.
        let _infallible = write!(line, "{at_ms:>10} | ");
        match about.transaction {
            Some(hash) => hash.as_bytes().iter().take(4).for_each(|byte| hex(*byte, &mut line)),
            None => line.push_str("-       "),
        }
        let _infallible = match about.rotation {
            Some(rotation) => write!(line, " | {rotation} | {actor} | {event}"),
            None => write!(line, " | - | {actor} | {event}"),
        };
        line.push('\n');
        self.digest.update(line.as_bytes());
        self.lines += 1;
        if let Some(to) = &mut self.to {
            // A full disk or a closed pipe costs the copy of the trace, never the run.
            if to.write_all(line.as_bytes()).is_err() {
                self.to = None;
            }
        }
        self.tail.push_back(line);
    }

    /// Keccak-256 of all lines so far.
    pub(super) fn digest(&self) -> Digest {
        Digest::new(self.digest.clone().finalize().into())
    }

    /// The last lines.
    pub(super) fn tail(&self) -> Vec<String> {
        self.tail.iter().map(|line| line.trim_end().to_owned()).collect()
    }

    /// Writes everything out.
    pub(super) fn flush(&mut self) {
        let _closed = self.to.as_mut().map(std::io::Write::flush);
    }
}

fn hex(byte: u8, out: &mut String) {
    for nibble in [byte >> 4, byte & 15] {
        out.extend(char::from_digit(u32::from(nibble), 16));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_five_columns_and_the_tail_the_last_lines() {
        let mut trace = Trace::new(&TraceTo::Nowhere).unwrap();
        for number in 0..50 {
            trace.line(number, About::round(TxHash::new([0xab; 32]), 1), "node 3", "votes");
        }
        let tail = trace.tail();
        assert_eq!(tail.len(), TAIL_LINES);
        assert_eq!(tail[0], "        10 | abababab | 1 | node 3 | votes");
    }

    #[test]
    fn the_digest_covers_every_line() {
        let digest = |events: &[&str]| {
            let mut trace = Trace::new(&TraceTo::Nowhere).unwrap();
            for event in events {
                trace.line(0, About::NOTHING, "client", event);
            }
            trace.digest()
        };
        assert_eq!(digest(&["a", "b"]), digest(&["a", "b"]));
        assert_ne!(digest(&["a", "b"]), digest(&["b", "a"]));
    }
}
