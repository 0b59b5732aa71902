//! From tables to a file, and from a file to tables, a page of rows at a time.

use std::io::Write;

use diesel::prelude::*;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::file::{Header, Item, Trust, Unpacker, Volume, refused};
use super::file::{end_line, header_line, table_line};
use super::sql;
use super::tables::{RESTORED, Table};
use crate::domain::ledger::StoreError;
use crate::domain::{Digest, Progress, Timestamp, keccak256};
use crate::storage::Connection;
use crate::storage::failure::During;
use crate::storage::rows::{digest, number};
use crate::storage::schema::{network, transactions};

/// Rows that are read, or written, by one statement.
const PAGE_ROWS: usize = 256;
/// Bytes of rows that are read, or written, by one statement; one row may have more.
const PAGE_BYTES: usize = 4 << 20;
/// Bytes of a piece of the file.
const PIECE_BYTES: usize = 256 << 10;

const PACKING: &str = "packing a snapshot";

/// Names a seed without telling it.
pub(super) fn seed_hash(seed: &Digest) -> Digest {
    keccak256(&[b"agora:snapshot-seed", seed.as_bytes()])
}

/// What a snapshot of the network made now would say of itself.
pub(super) fn header_now(conn: &mut Connection, at: Timestamp) -> Result<Header, StoreError> {
    const OPERATION: &str = "describing a snapshot";
    let (seed, chain_id): (Vec<u8>, i64) = network::table
        .find(1)
        .select((network::seed, network::chain_id))
        .get_result(conn)
        .during(OPERATION)?;
    let count: i64 = transactions::table.count().get_result(conn).during(OPERATION)?;
    Ok(Header::new(chain_id, seed_hash(&digest(&seed)?), at.as_millis(), number(count)?))
}

/// Where the pieces of a file go.
pub(super) type Emit<'a> = dyn FnMut(&mut Connection, Vec<u8>) -> Result<(), StoreError> + 'a;

/// A file that is being written.
struct Packer<'a> {
    gzip: GzEncoder<Vec<u8>>,
    volume: Volume,
    emit: &'a mut Emit<'a>,
}

impl Packer<'_> {
    /// Writes a line about `what`; refuses, in words, what could not be read back.
    fn line(&mut self, conn: &mut Connection, what: &str, line: &str) -> Result<(), StoreError> {
        self.volume.add(line.len()).map_err(|error| {
            let told = format!("no snapshot can be made, at a row of {what}: {error}");
            StoreError::Snapshot(told)
        })?;
        // In parts, so that no piece of the file becomes as large as a line.
        for part in line.as_bytes().chunks(PIECE_BYTES).chain([b"\n".as_slice()]) {
            self.gzip.write_all(part).during(PACKING)?;
            if self.gzip.get_ref().len() >= PIECE_BYTES {
                (self.emit)(conn, std::mem::take(self.gzip.get_mut()))?;
            }
        }
        Ok(())
    }
}

/// Writes every table to a file, whose pieces go to `emit`. Inside of a database transaction.
pub(super) fn dump<'a>(
    conn: &mut Connection,
    header: &Header,
    emit: &'a mut Emit<'a>,
    progress: &mut Progress<'_>,
) -> Result<(), StoreError> {
    let gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let mut packer = Packer { gzip, volume: Volume::default(), emit };
    packer.line(conn, "itself", &header_line(header).during(PACKING)?)?;
    let mut rows = 0;
    for table in RESTORED {
        packer.line(conn, table.name, &table_line(table).during(PACKING)?)?;
        rows += dump_table(conn, table, &mut packer, progress)?;
    }
    packer.line(conn, "itself", &end_line(rows).during(PACKING)?)?;
    let last = packer.gzip.finish().during(PACKING)?;
    (packer.emit)(conn, last)
}

fn dump_table(
    conn: &mut Connection,
    table: &Table,
    packer: &mut Packer<'_>,
    progress: &mut Progress<'_>,
) -> Result<u64, StoreError> {
    let (mut rows, mut last) = (0, None::<String>);
    loop {
        let sizes = sql::sizes(conn, table, last.as_deref(), PAGE_ROWS)?;
        let wanted = fitting(&sizes);
        if wanted == 0 {
            return Ok(rows);
        }
        let mut page = sql::page(conn, table, last.as_deref(), wanted)?;
        rows += u64::try_from(page.len()).unwrap_or_default();
        progress(table.name, rows);
        for line in &page {
            packer.line(conn, table.name, line)?;
        }
        last = page.pop();
    }
}

/// How many of the rows with these sizes are read together: at least one, if there is any.
fn fitting(sizes: &[u64]) -> usize {
    let mut bytes = 0_u64;
    let fits = |size: &&u64| {
        bytes = bytes.saturating_add(**size);
        usize::try_from(bytes).is_ok_and(|bytes| bytes <= PAGE_BYTES)
    };
    sizes.iter().take_while(fits).count().max(sizes.len().min(1))
}

/// Where the pieces of a file come from; `None` after the last.
pub(super) type Fetch<'a> = dyn FnMut(&mut Connection) -> Result<Option<Vec<u8>>, StoreError> + 'a;

/// Fills every table, which must be empty, from a file. Inside of a database transaction.
pub(super) fn load(
    conn: &mut Connection,
    fetch: &mut Fetch<'_>,
    trust: Trust,
    progress: &mut Progress<'_>,
) -> Result<(), StoreError> {
    let mut unpacker = Unpacker::new(trust);
    let mut loader = Loader { rows: None, progress };
    while let Some(piece) = fetch(conn)? {
        unpacker.push(&piece, &mut |item| loader.take(conn, &item))?;
    }
    unpacker.finish(&mut |item| loader.take(conn, &item))
}

/// Gathers rows until they are worth a statement.
struct Loader<'a, 'b> {
    rows: Option<Rows>,
    progress: &'a mut Progress<'b>,
}

struct Rows {
    table: &'static Table,
    json: String,
    waiting: usize,
    stored: u64,
}

impl Loader<'_, '_> {
    fn take(&mut self, conn: &mut Connection, item: &Item<'_>) -> Result<(), StoreError> {
        match item {
            Item::Header(_) => Ok(()),
            Item::End => self.change_to(conn, None),
            Item::Row(table, line) => {
                if self.rows.as_ref().is_none_or(|rows| !std::ptr::eq(rows.table, *table)) {
                    self.change_to(conn, Some(table))?;
                }
                let Some(rows) = &mut self.rows else { return Ok(()) };
                let is_full = rows.waiting >= PAGE_ROWS || rows.json.len() >= PAGE_BYTES;
                if is_full {
                    rows.store(conn)?;
                    (self.progress)(rows.table.name, rows.stored);
                }
                rows.add(line);
                Ok(())
            }
        }
    }

    fn change_to(
        &mut self,
        conn: &mut Connection,
        table: Option<&'static Table>,
    ) -> Result<(), StoreError> {
        let next = table.map(|table| Rows { table, json: String::new(), waiting: 0, stored: 0 });
        if let Some(mut rows) = std::mem::replace(&mut self.rows, next) {
            rows.store(conn)?;
            (self.progress)(rows.table.name, rows.stored);
        }
        Ok(())
    }
}

impl Rows {
    fn add(&mut self, line: &str) {
        self.json.push(if self.waiting == 0 { '[' } else { ',' });
        self.json.push_str(line);
        self.waiting += 1;
    }

    fn store(&mut self, conn: &mut Connection) -> Result<(), StoreError> {
        if self.waiting == 0 {
            return Ok(());
        }
        let waiting = std::mem::take(&mut self.waiting);
        let mut json = std::mem::take(&mut self.json);
        json.push(']');
        let stored = sql::insert(conn, self.table, json)?;
        if stored != waiting {
            let table = self.table.name;
            return Err(refused(format_args!("{stored} of {waiting} rows of {table} were stored")));
        }
        self.stored += u64::try_from(stored).unwrap_or_default();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_together_up_to_a_page_of_bytes() {
        const PAGE: u64 = 4 << 20;
        for (sizes, wanted) in [
            (&[][..], 0),
            (&[1, 1, 1], 3),
            (&[PAGE, 1], 1),
            (&[PAGE - 1, 1, 1], 2),
            (&[50 * PAGE, 1], 1),
            (&[1, 50 * PAGE], 1),
        ] {
            assert_eq!(fitting(sizes), wanted, "{sizes:?}");
        }
    }
}
