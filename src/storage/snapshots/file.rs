//! The file of a snapshot: gzip around lines of JSON. First what it is, then every table with its
//! columns and a row a line, and at the end how many rows there were.

use std::io::Write;

use flate2::write::GzDecoder;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::tables::{Form, RESTORED, Table};
use crate::domain::Digest;
use crate::domain::ledger::StoreError;

const FORMAT: &str = "agora snapshot";
const VERSION: u32 = 1;

/// Bytes of a file that are unpacked at a time: they become a thousand times as many at most.
const PIECE_BYTES: usize = 16 << 10;
/// Bytes of pages that one execution may change, with the 40 bytes that each of these pages (of
/// 1 KiB) takes besides (`execution/python/store.rs`, `storage/writes.rs`).
const PAGES_BYTES_MAX: usize = (32 << 20) + (32 << 10) * 40;
/// Bytes of what else a worker may report (`execution/python/frame.rs`).
const REPORT_BYTES_MAX: usize = 16 << 20;
/// Bytes of a decision's record of the consensus, for which nothing else has a limit.
const CONSENSUS_BYTES_MAX: usize = 58 << 20;
/// Bytes of one line, at most: those of the largest decision. Its pages as they became and as they
/// were are hexadecimal, and its receipt is so twice.
const LINE_BYTES_MAX: usize = 2 * 2 * PAGES_BYTES_MAX + 4 * REPORT_BYTES_MAX + CONSENSUS_BYTES_MAX;
/// Bytes of all lines, at most.
const UNPACKED_BYTES_MAX: u64 = 16 << 30;

/// A file is too large to be read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum TooLarge {
    /// One line.
    #[error("a line has more than {LINE_BYTES_MAX} bytes")]
    Line,
    /// All together.
    #[error("it holds more than {UNPACKED_BYTES_MAX} bytes")]
    Whole,
}

/// The lines of a file, measured: alike when it is written and when it is read, so that whatever
/// is made can be restored.
#[derive(Debug, Default)]
pub(super) struct Volume {
    bytes: u64,
}

impl Volume {
    /// Counts a line of `bytes` bytes without its end.
    pub(super) fn add(&mut self, bytes: usize) -> Result<(), TooLarge> {
        if bytes > LINE_BYTES_MAX {
            return Err(TooLarge::Line);
        }
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > UNPACKED_BYTES_MAX { Err(TooLarge::Whole) } else { Ok(()) }
    }
}

/// What a file says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    format: String,
    version: u32,
    /// The program that made it.
    pub(super) agora: String,
    pub(super) chain_id: i64,
    /// Names the seed without telling it.
    pub(super) seed_hash: Digest,
    /// When it was made, by the network's clock, in milliseconds.
    pub(super) at: i64,
    pub(super) transactions: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableLine {
    table: String,
    columns: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    rows: u64,
}

/// A snapshot cannot be used.
pub(super) fn refused(reason: impl std::fmt::Display) -> StoreError {
    StoreError::Snapshot(format!("the snapshot cannot be used: {reason}"))
}

impl Header {
    pub(super) fn new(chain_id: i64, seed_hash: Digest, at: i64, transactions: u64) -> Self {
        let (format, agora) = (FORMAT.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        Self { format, version: VERSION, agora, chain_id, seed_hash, at, transactions }
    }

    /// Is `other` of the same network?
    pub(super) fn is_of_network(&self, other: &Self) -> bool {
        (self.chain_id, self.seed_hash) == (other.chain_id, other.seed_hash)
    }

    /// Is `other` what this one tells of?
    pub(super) fn tells_of(&self, other: &Self) -> bool {
        self.is_of_network(other) && self.transactions == other.transactions
    }
}

pub(super) fn header_line(header: &Header) -> serde_json::Result<String> {
    serde_json::to_string(header)
}

pub(super) fn table_line(table: &Table) -> serde_json::Result<String> {
    let columns = table.names().into_iter().map(str::to_owned).collect();
    serde_json::to_string(&TableLine { table: table.name.to_owned(), columns })
}

pub(super) fn end_line(rows: u64) -> serde_json::Result<String> {
    serde_json::to_string(&EndLine { rows })
}

/// A line of a file, understood.
pub(super) enum Item<'a> {
    /// The first.
    Header(&'a Header),
    /// A row, as a JSON array.
    Row(&'static Table, &'a str),
    /// The last.
    End,
}

/// What is done with a file's lines.
pub(super) type Visit<'a> = dyn FnMut(Item<'_>) -> Result<(), StoreError> + 'a;

/// Whose lines are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// We wrote them, or checked them before.
    Ours,
    /// They came from outside: every value is checked.
    Foreign,
}

/// Understands the lines of a file, one after the other.
struct Script {
    trust: Trust,
    has_header: bool,
    /// Tables begun so far.
    begun: usize,
    rows: u64,
    has_ended: bool,
}

impl Script {
    fn line(&mut self, line: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let text = std::str::from_utf8(line).map_err(refused)?;
        if !self.has_header {
            let header = header_of(text)?;
            self.has_header = true;
            return visit(Item::Header(&header));
        }
        if self.has_ended {
            return Err(refused("something follows its end"));
        }
        if text.starts_with('[') {
            return self.row(text, visit);
        }
        if self.begun == RESTORED.len() {
            let end: EndLine = serde_json::from_str(text).map_err(refused)?;
            if end.rows != self.rows {
                let (found, told) = (self.rows, end.rows);
                return Err(refused(format_args!("it has {found} rows and tells of {told}")));
            }
            self.has_ended = true;
            return visit(Item::End);
        }
        self.table(text)
    }

    fn table(&mut self, text: &str) -> Result<(), StoreError> {
        let line: TableLine = serde_json::from_str(text).map_err(refused)?;
        let expected = RESTORED.get(self.begun);
        if expected.is_none_or(|table| table.name != line.table || table.names() != line.columns) {
            let wanted =
                expected.map(|table| format!("{} ({})", table.name, table.names().join(", ")));
            return Err(refused(format_args!(
                "it was made by an agora with other tables: it has {} ({}) where this one has {}",
                line.table,
                line.columns.join(", "),
                wanted.unwrap_or_default()
            )));
        }
        self.begun += 1;
        Ok(())
    }

    fn row(&mut self, text: &str, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let table = self.begun.checked_sub(1).and_then(|index| RESTORED.get(index));
        let table = table.ok_or_else(|| refused("a row belongs to no table"))?;
        if self.trust == Trust::Foreign {
            check_row(table, text)?;
        }
        self.rows += 1;
        visit(Item::Row(table, text))
    }
}

fn header_of(text: &str) -> Result<Header, StoreError> {
    let json: Json = serde_json::from_str(text)
        .map_err(|error| refused(format_args!("it is none of agora's: {error}")))?;
    if json.get("format").and_then(Json::as_str) != Some(FORMAT) {
        return Err(refused("it is none of agora's"));
    }
    match json.get("version").and_then(Json::as_u64) {
        Some(version) if version == u64::from(VERSION) => {
            serde_json::from_value(json).map_err(refused)
        }
        version => Err(refused(format_args!(
            "it has version {} of the format, and this agora ({}) reads version {VERSION}",
            version.map_or_else(|| "?".to_owned(), |version| version.to_string()),
            env!("CARGO_PKG_VERSION")
        ))),
    }
}

fn check_row(table: &Table, text: &str) -> Result<(), StoreError> {
    let values: Vec<Json> = serde_json::from_str(text)
        .map_err(|error| refused(format_args!("a row of {} is no JSON: {error}", table.name)))?;
    if values.len() != table.columns.len() {
        let (found, wanted) = (values.len(), table.columns.len());
        return Err(refused(format_args!(
            "a row of {} has {found} values of {wanted}",
            table.name
        )));
    }
    for (value, (name, form)) in values.iter().zip(table.columns) {
        let fits = match (form, value) {
            (_, Json::Null) => true,
            (Form::Integer, value) => value.is_i64(),
            // PostgreSQL cannot store it.
            (Form::Text, Json::String(text)) => !text.contains('\0'),
            (Form::Bytes, Json::String(text)) => is_hexadecimal(text),
            _ => false,
        };
        if !fits {
            let table = table.name;
            return Err(refused(format_args!("a value of {table}.{name} cannot be stored there")));
        }
    }
    Ok(())
}

fn is_hexadecimal(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len().is_multiple_of(2) && text.bytes().all(is_digit)
}

/// Unpacks a file that comes in pieces.
pub(super) struct Unpacker {
    gzip: GzDecoder<Vec<u8>>,
    script: Script,
    volume: Volume,
    /// Bytes at the beginning of what waits that hold no end of a line: a long line is searched once.
    searched: usize,
}

impl Unpacker {
    pub(super) fn new(trust: Trust) -> Self {
        let script = Script { trust, has_header: false, begun: 0, rows: 0, has_ended: false };
        Self { gzip: GzDecoder::new(Vec::new()), script, volume: Volume::default(), searched: 0 }
    }

    /// Takes the next bytes of the file and hands on the lines they end.
    pub(super) fn push(&mut self, bytes: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError> {
        for piece in bytes.chunks(PIECE_BYTES) {
            self.gzip.write_all(piece).map_err(damaged)?;
            // What it has unpacked leaves it now, and not with the next piece.
            self.gzip.flush().map_err(damaged)?;
            self.lines(visit)?;
        }
        Ok(())
    }

    fn lines(&mut self, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let buffer = self.gzip.get_mut();
        let fresh = buffer.get(self.searched..).unwrap_or_default();
        let Some(end) = fresh.iter().rposition(|byte| *byte == b'\n') else {
            self.searched = buffer.len();
            return if buffer.len() > LINE_BYTES_MAX {
                Err(refused(TooLarge::Line))
            } else {
                Ok(())
            };
        };
        let rest = buffer.split_off(self.searched + end + 1);
        self.searched = rest.len();
        let lines = std::mem::replace(buffer, rest);
        let lines = lines.strip_suffix(b"\n").unwrap_or(&lines);
        lines.split(|byte| *byte == b'\n').try_for_each(|line| {
            self.volume.add(line.len()).map_err(refused)?;
            self.script.line(line, visit)
        })
    }

    /// The file is over.
    pub(super) fn finish(mut self, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.gzip.try_finish().map_err(damaged)?;
        self.lines(visit)?;
        if !self.script.has_ended || !self.gzip.get_ref().is_empty() {
            return Err(refused("it is truncated"));
        }
        Ok(())
    }
}

fn damaged(error: impl std::fmt::Display) -> StoreError {
    refused(format_args!("it is damaged or truncated, or no snapshot at all: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_room_for_the_largest_decision_and_no_more() {
        let mut volume = Volume::default();
        assert_eq!(volume.add(4 * (32 << 20)), Ok(()), "32 MiB of pages, before and after");
        assert_eq!(volume.add(LINE_BYTES_MAX), Ok(()));
        assert_eq!(volume.add(LINE_BYTES_MAX + 1), Err(TooLarge::Line));
    }

    #[test]
    fn all_lines_together_have_a_limit() {
        let mut volume = Volume::default();
        let line = 128 << 20;
        let fitting = (16 << 30) / (line + 1);
        for _ in 0..fitting {
            volume.add(line).unwrap();
        }
        assert_eq!(volume.add(line), Err(TooLarge::Whole));
    }
}
