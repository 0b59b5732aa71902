//! The statements that write a table's rows as JSON and read them back, in each database's words.
//!
//! Both databases make and take JSON themselves, so that a page of rows is one statement.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text as SqlText};

use super::tables::{Form, Table};
use crate::domain::ledger::StoreError;
use crate::storage::Connection;
use crate::storage::failure::During;
use crate::storage::rows::number;

/// A row as JSON.
#[derive(Debug, QueryableByName)]
struct Line {
    #[diesel(sql_type = SqlText)]
    line: String,
}

/// What a row will take.
#[derive(Debug, QueryableByName)]
struct Size {
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

/// At most `limit` rows of `table` in the order of its key, each as a JSON array; those after
/// `last`, a row that was read before, or the first ones.
pub(super) fn page(
    conn: &mut Connection,
    table: &Table,
    last: Option<&str>,
    limit: usize,
) -> Result<Vec<String>, StoreError> {
    let line = line(table, conn);
    let sql = select(table, conn, &line, last.is_some(), limit);
    let query = diesel::sql_query(sql).bind::<SqlText, _>(last.unwrap_or("[]").to_owned());
    let lines: QueryResult<Vec<Line>> = match conn {
        Connection::Sqlite(conn) => query.load(conn),
        Connection::Postgres(conn) => query.load(conn),
    };
    let lines = lines.during("reading rows for a snapshot")?;
    Ok(lines.into_iter().map(|line| line.line).collect())
}

/// About how many bytes the next `limit` rows after `last` have as JSON, in the order of [`page`].
pub(super) fn sizes(
    conn: &mut Connection,
    table: &Table,
    last: Option<&str>,
    limit: usize,
) -> Result<Vec<u64>, StoreError> {
    let measured = table.columns.iter().filter_map(|(name, form)| {
        let digits = match form {
            Form::Integer => return None,
            Form::Text => 1,
            Form::Bytes => 2,
        };
        Some(format!("coalesce(CAST(octet_length({name}) AS BIGINT) * {digits}, 0)"))
    });
    let measured: Vec<String> = measured.chain(["0".to_owned()]).collect();
    let bytes = format!("CAST({} AS BIGINT) AS bytes", measured.join(" + "));
    let sql = select(table, conn, &bytes, last.is_some(), limit);
    let query = diesel::sql_query(sql).bind::<SqlText, _>(last.unwrap_or("[]").to_owned());
    let sizes: QueryResult<Vec<Size>> = match conn {
        Connection::Sqlite(conn) => query.load(conn),
        Connection::Postgres(conn) => query.load(conn),
    };
    let sizes = sizes.during("measuring rows for a snapshot")?;
    sizes.into_iter().map(|size| number(size.bytes)).collect()
}

/// Writes rows, given as a JSON array of arrays; answers how many.
pub(super) fn insert(
    conn: &mut Connection,
    table: &Table,
    rows: String,
) -> Result<usize, StoreError> {
    let query = diesel::sql_query(insertion(table, conn)).bind::<SqlText, _>(rows);
    match conn {
        Connection::Sqlite(conn) => query.execute(conn),
        Connection::Postgres(conn) => query.execute(conn),
    }
    .during("writing the rows of a snapshot")
}

/// Empties tables, in one message to the database.
pub(super) fn empty<'a>(
    conn: &mut Connection,
    tables: impl Iterator<Item = &'a Table>,
) -> Result<(), StoreError> {
    let sql: Vec<String> = tables.map(|table| format!("DELETE FROM {}", table.name)).collect();
    conn.batch_execute(&sql.join("; ")).during("emptying the tables to restore them")
}

fn is_postgres(conn: &Connection) -> bool {
    matches!(conn, Connection::Postgres(_))
}

/// A row as a JSON array.
fn line(table: &Table, conn: &Connection) -> String {
    let is_postgres = is_postgres(conn);
    let written = table.columns.iter().map(|(name, form)| match (form, is_postgres) {
        (Form::Integer | Form::Text, _) => (*name).to_owned(),
        (Form::Bytes, true) => format!("encode({name}, 'hex')"),
        (Form::Bytes, false) => format!("iif({name} IS NULL, NULL, lower(hex({name})))"),
    });
    let written: Vec<String> = written.collect();
    let array = if is_postgres { "json_build_array" } else { "json_array" };
    let text = if is_postgres { "::text" } else { "" };
    format!("{array}({}){text} AS line", written.join(", "))
}

/// Selects `wanted` of at most `limit` rows in the order of the key.
fn select(
    table: &Table,
    conn: &Connection,
    wanted: &str,
    is_continued: bool,
    limit: usize,
) -> String {
    let is_postgres = is_postgres(conn);
    // One order on both, whatever the database's language is.
    let keys = table.keys().iter().map(|(name, form)| match (form, is_postgres) {
        (Form::Text, true) => format!("{name} COLLATE \"C\""),
        _ => (*name).to_owned(),
    });
    let keys: Vec<String> = keys.collect();
    let values: Vec<String> = (0..table.key)
        .zip(table.keys())
        .map(|(index, (_, form))| read(is_postgres, &placeholder(is_postgres), index, *form))
        .collect();
    let (keys, values) = (keys.join(", "), values.join(", "));
    // The first page has the parameter as well, without a use for it.
    let place = placeholder(is_postgres);
    let condition = if is_continued {
        format!("({keys}) > ({values})")
    } else {
        format!("{place} IS NOT NULL")
    };
    let name = table.name;
    format!("SELECT {wanted} FROM {name} WHERE {condition} ORDER BY {keys} LIMIT {limit}")
}

/// The one parameter.
fn placeholder(is_postgres: bool) -> String {
    if is_postgres { "($1::json)".into() } else { "?1".into() }
}

/// The value at `index` of the JSON array `source`.
fn read(is_postgres: bool, source: &str, index: usize, form: Form) -> String {
    if is_postgres {
        let text = format!("({source} ->> {index})");
        return match form {
            Form::Integer => format!("{text}::bigint"),
            Form::Text => text,
            Form::Bytes => format!("decode({text}, 'hex')"),
        };
    }
    let value = format!("json_extract({source}, '$[{index}]')");
    match form {
        Form::Integer | Form::Text => value,
        Form::Bytes => format!("unhex({value})"),
    }
}

fn insertion(table: &Table, conn: &Connection) -> String {
    let is_postgres = is_postgres(conn);
    let (names, name) = (table.names().join(", "), table.name);
    let source = if is_postgres { "row.value" } else { "value" };
    let values =
        (0..).zip(table.columns).map(|(index, (_, form))| read(is_postgres, source, index, *form));
    let values = values.collect::<Vec<_>>().join(", ");
    let rows =
        if is_postgres { "json_array_elements($1::json) AS row(value)" } else { "json_each(?1)" };
    format!("INSERT INTO {name} ({names}) SELECT {values} FROM {rows}")
}
