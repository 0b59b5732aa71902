//! From tables to a file, and from a file to tables, a page of rows at a time.

use std::io::Write;

use diesel::prelude::*;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::file::{Header, Item, Trust, Unpacker, refused};
use super::file::{write_end, write_header, write_table};
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
/// Bytes of rows that are written by one statement; one row may have more.
const PAGE_BYTES: usize = 4 << 20;
/// Bytes of a piece of the file.
const PIECE_BYTES: usize = 256 << 10;

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
    emit: &'a mut Emit<'a>,
}

impl Packer<'_> {
    fn write(
        &mut self,
        conn: &mut Connection,
        work: impl FnOnce(&mut GzEncoder<Vec<u8>>) -> std::io::Result<()>,
    ) -> Result<(), StoreError> {
        work(&mut self.gzip).during("packing a snapshot")?;
        if self.gzip.get_ref().len() < PIECE_BYTES {
            return Ok(());
        }
        (self.emit)(conn, std::mem::take(self.gzip.get_mut()))
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
    let mut packer = Packer { gzip, emit };
    packer.write(conn, |out| write_header(header, out))?;
    let mut rows = 0;
    for table in RESTORED {
        packer.write(conn, |out| write_table(table, out))?;
        rows += dump_table(conn, table, &mut packer, progress)?;
    }
    packer.write(conn, |out| write_end(rows, out))?;
    let last = packer.gzip.finish().during("packing a snapshot")?;
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
        let mut page = sql::page(conn, table, last.as_deref(), PAGE_ROWS)?;
        rows += u64::try_from(page.len()).unwrap_or_default();
        progress(table.name, rows);
        packer.write(conn, |out| {
            for line in &page {
                out.write_all(line.as_bytes())?;
                out.write_all(b"\n")?;
            }
            Ok(())
        })?;
        if page.len() < PAGE_ROWS {
            return Ok(rows);
        }
        last = page.pop();
    }
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
