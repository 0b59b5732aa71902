//! Keys of clients, and how many requests may be made with each.

use diesel::prelude::*;

use super::Connection;
use super::batch::BatchContext;
use super::failure::During;
use super::schema::{api_keys, api_tiers};
use super::transactions::one_row;
use crate::domain::ledger::StoreError;
use crate::domain::{Digest, NewApiKey, Tier, TierRecord, Timestamp};

/// Tiers that may be kept.
const TIERS_MAX: i64 = 100;
/// Keys that may be given out at a time: few enough that their prefixes differ.
const KEYS_MAX: i64 = 4_096;

type TierRow = (i64, String, i64, i64, i64);

fn tier_of((id, name, per_minute, per_hour, per_day): TierRow) -> Result<TierRecord, StoreError> {
    let count = |count: i64| u32::try_from(count).during("reading a tier");
    let (per_minute, per_hour, per_day) = (count(per_minute)?, count(per_hour)?, count(per_day)?);
    Ok(TierRecord { id, tier: Tier { name, per_minute, per_hour, per_day } })
}

/// Every tier, in the order in which they were made.
pub fn api_tier_list(conn: &mut Connection) -> Result<Vec<TierRecord>, StoreError> {
    let rows: Vec<TierRow> =
        api_tiers::table.order(api_tiers::id).load(conn).during("reading the tiers")?;
    rows.into_iter().map(tier_of).collect()
}

/// Keeps another tier.
pub fn api_tier_create_in_txn(
    conn: &mut Connection,
    _ctx: &mut BatchContext,
    tier: &Tier,
) -> Result<TierRecord, StoreError> {
    const OPERATION: &str = "storing a tier";
    let known = api_tier_list(conn)?;
    if known.iter().any(|record| record.tier.name == tier.name) {
        return Err(StoreError::AlreadyExists { what: "tier", name: tier.name.clone() });
    }
    let id = known.last().map_or(1, |last| last.id.saturating_add(1));
    if id > TIERS_MAX {
        return Err(StoreError::Full { what: "tiers", limit: TIERS_MAX });
    }
    let inserted = diesel::insert_into(api_tiers::table)
        .values((
            api_tiers::id.eq(id),
            api_tiers::name.eq(&tier.name),
            api_tiers::per_minute.eq(i64::from(tier.per_minute)),
            api_tiers::per_hour.eq(i64::from(tier.per_hour)),
            api_tiers::per_day.eq(i64::from(tier.per_day)),
        ))
        .execute(conn);
    one_row(inserted, OPERATION)?;
    Ok(TierRecord { id, tier: tier.clone() })
}

/// Keeps a key that is given out. Its prefix must name no other: who is told so, tries another.
pub fn api_key_create_in_txn(
    conn: &mut Connection,
    _ctx: &mut BatchContext,
    key: &NewApiKey,
    at: Timestamp,
) -> Result<(), StoreError> {
    const OPERATION: &str = "storing a key";
    let tiers = api_tier_list(conn)?;
    let tier = tiers.iter().find(|record| record.tier.name == key.tier);
    let tier = tier.ok_or_else(|| StoreError::NotFound { what: "tier", name: key.tier.clone() })?;
    let count: i64 = api_keys::table.count().get_result(conn).during(OPERATION)?;
    if count >= KEYS_MAX {
        return Err(StoreError::Full { what: "keys", limit: KEYS_MAX });
    }
    let known = api_keys::table.find(&key.prefix).select(api_keys::prefix);
    if known.get_result::<String>(conn).optional().during(OPERATION)?.is_some() {
        return Err(StoreError::AlreadyExists { what: "key", name: key.prefix.clone() });
    }
    let inserted = diesel::insert_into(api_keys::table)
        .values((
            api_keys::prefix.eq(&key.prefix),
            api_keys::digest.eq(key.digest.as_bytes().as_slice()),
            api_keys::tier.eq(tier.id),
            api_keys::description.eq(&key.description),
            api_keys::created_at.eq(at.as_millis()),
        ))
        .execute(conn);
    one_row(inserted, OPERATION)
}

/// Forgets the key that `prefix` names; it is nobody's from then on.
pub fn api_key_delete_in_txn(
    conn: &mut Connection,
    _ctx: &mut BatchContext,
    prefix: &str,
) -> Result<(), StoreError> {
    let deleted =
        diesel::delete(api_keys::table.find(prefix)).execute(conn).during("deleting a key")?;
    if deleted == 0 {
        return Err(StoreError::NotFound { what: "key", name: prefix.to_owned() });
    }
    Ok(())
}

/// What may be done with the key that is known by `digest`; `None` when there is none.
pub fn api_key_tier(conn: &mut Connection, digest: &Digest) -> Result<Option<Tier>, StoreError> {
    let row: Option<TierRow> = api_keys::table
        .inner_join(api_tiers::table)
        .filter(api_keys::digest.eq(digest.as_bytes().as_slice()))
        .select(api_tiers::all_columns)
        .get_result(conn)
        .optional()
        .during("reading a key")?;
    Ok(row.map(tier_of).transpose()?.map(|record| record.tier))
}
