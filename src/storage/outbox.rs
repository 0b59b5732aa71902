//! Events, stored with the changes they tell of: one row per batch, so that they cost next to
//! nothing, in the order of commits, so that they can be replayed from any cursor (law 10).

use diesel::prelude::*;

use super::Connection;
use super::failure::{During, database_error};
use super::schema::outbox;
use super::snapshots::last_restoration;
use crate::domain::ledger::{Events, StoreError};
use crate::domain::{Event, Timestamp};

/// Batches that are read at a time.
const BATCHES_PER_READ: i64 = 32;

/// Numbers `events` after the last ones and stores them; nothing happens without events. Answers
/// with what was stored.
pub(super) fn append(conn: &mut Connection, events: &mut [Event]) -> Result<String, StoreError> {
    const OPERATION: &str = "storing events";
    if events.is_empty() {
        return Ok(String::new());
    }
    let first_cursor = event_last_cursor(conn)? + 1;
    for (cursor, event) in (first_cursor..).zip(events.iter_mut()) {
        event.cursor = cursor;
    }
    let count = i32::try_from(events.len()).during(OPERATION)?;
    let body = serde_json::to_string(events).during(OPERATION)?;
    diesel::insert_into(outbox::table)
        .values((
            outbox::first_cursor.eq(first_cursor),
            outbox::count.eq(count),
            outbox::body.eq(&body),
        ))
        .execute(conn)
        .during(OPERATION)?;
    Ok(body)
}

/// The cursor of the newest event; 0 when there is none.
pub fn event_last_cursor(conn: &mut Connection) -> Result<i64, StoreError> {
    let last: Option<(i64, i32)> = outbox::table
        .select((outbox::first_cursor, outbox::count))
        .order(outbox::first_cursor.desc())
        .first(conn)
        .optional()
        .during("reading the last event")?;
    Ok(last.map_or(0, |(first_cursor, count)| first_cursor + i64::from(count) - 1))
}

/// The latest instant among the newest events, since the network was last restored; `None` before
/// the first.
///
/// Whatever is stored has an event, so a clock that shows no less never goes back. Several batches
/// are read, because one that had to be tried again tells of an earlier instant.
pub fn event_last_at(conn: &mut Connection) -> Result<Option<Timestamp>, StoreError> {
    const OPERATION: &str = "reading when the last event was";
    let bodies: Vec<String> = outbox::table
        .order(outbox::first_cursor.desc())
        .limit(BATCHES_PER_READ)
        .select(outbox::body)
        .load(conn)
        .during(OPERATION)?;
    let restored = last_restoration(conn)?;
    let mut latest = None;
    for body in bodies {
        let events: Events = serde_json::from_str(&body).during(OPERATION)?;
        let present = events.iter().filter(|event| event.cursor >= restored);
        latest = latest.max(present.map(|event| event.at).max());
    }
    Ok(latest)
}

/// At most `limit` events after `cursor`, oldest first; cursor 0 is before the first one.
pub fn events_after(
    conn: &mut Connection,
    cursor: i64,
    limit: usize,
) -> Result<Events, StoreError> {
    const OPERATION: &str = "reading events";
    // The batch that holds the next event begins at or before it.
    let first: Option<i64> = outbox::table
        .filter(outbox::first_cursor.le(cursor.saturating_add(1)))
        .select(diesel::dsl::max(outbox::first_cursor))
        .get_result(conn)
        .during(OPERATION)?;
    let mut from = first.unwrap_or(1);
    let mut events = Vec::new();
    while events.len() < limit {
        let batches: Vec<(i64, i32, String)> = outbox::table
            .filter(outbox::first_cursor.ge(from))
            .order(outbox::first_cursor)
            .limit(BATCHES_PER_READ)
            .select((outbox::first_cursor, outbox::count, outbox::body))
            .load(conn)
            .during(OPERATION)?;
        let Some((last, _, _)) = batches.last() else { break };
        from = last + 1;
        for (first_cursor, count, body) in &batches {
            let batch: Vec<Event> = serde_json::from_str(body).during(OPERATION)?;
            let is_whole = i32::try_from(batch.len()).is_ok_and(|length| length == *count)
                && batch.iter().zip(*first_cursor..).all(|(event, cursor)| event.cursor == cursor);
            if !is_whole {
                let reason = format!("the batch of events from {first_cursor} on is damaged");
                return Err(database_error(OPERATION, reason));
            }
            events.extend(batch.into_iter().filter(|event| event.cursor > cursor));
        }
    }
    events.truncate(limit);
    Ok(events)
}
