//! The network's clock: how it stands to the wall, the same for every process of a network.

use diesel::prelude::*;

use super::Connection;
use super::batch::BatchContext;
use super::failure::During;
use super::rows::{instant, number};
use super::schema::network;
use super::transactions::one_row;
use crate::domain::ledger::StoreError;
use crate::domain::{ClockChange, ClockDial, ClockReading, Timestamp};

/// The dial of the network's clock.
pub fn clock_load(conn: &mut Connection) -> Result<ClockDial, StoreError> {
    let (revision, offset_ms, frozen_at): (i64, i64, Option<i64>) = network::table
        .find(1)
        .select((network::clock_revision, network::clock_offset, network::clock_frozen_at))
        .get_result(conn)
        .during("reading the network's clock")?;
    Ok(ClockDial { revision: number(revision)?, offset_ms, frozen_at: instant(frozen_at) })
}

/// Turns the dial for somebody whose clock shows `present`; answers with the new one.
pub fn clock_change_in_txn(
    conn: &mut Connection,
    _ctx: &mut BatchContext,
    change: ClockChange,
    present: ClockReading,
) -> Result<ClockDial, StoreError> {
    const OPERATION: &str = "setting the network's clock";
    let dial = clock_load(conn)?.changed(change, present)?;
    let changed = diesel::update(network::table.find(1))
        .set((
            network::clock_revision.eq(i64::try_from(dial.revision).during(OPERATION)?),
            network::clock_offset.eq(dial.offset_ms),
            network::clock_frozen_at.eq(dial.frozen_at.map(Timestamp::as_millis)),
        ))
        .execute(conn);
    one_row(changed, OPERATION)?;
    Ok(dial)
}
