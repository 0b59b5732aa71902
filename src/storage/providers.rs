//! The models that are known by name: what the program brings along, and what was changed of that.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::Connection;
use super::batch::BatchContext;
use super::failure::During;
use super::schema::providers;
use super::transactions::one_row;
use crate::domain::ModelChoice;
use crate::domain::ledger::{ProviderChange, ProviderEntry, StoreError};

const OPERATION: &str = "changing a provider";

/// Every known model, by number; `defaults` is what the program brings along.
pub fn provider_list(
    conn: &mut Connection,
    defaults: &[ModelChoice],
) -> Result<Vec<ProviderEntry>, StoreError> {
    let rows: Vec<(i64, Option<String>)> = providers::table
        .order(providers::id)
        .select((providers::id, providers::choice))
        .load(conn)
        .during("reading the providers")?;
    let entries = ProviderEntry::defaults(defaults).into_iter();
    let mut entries: BTreeMap<i64, ProviderEntry> =
        entries.map(|entry| (entry.id, entry)).collect();
    for (id, choice) in rows {
        match choice {
            None => drop(entries.remove(&id)),
            Some(text) => {
                let choice = serde_json::from_str(&text).during("reading a provider")?;
                entries.insert(id, ProviderEntry { id, choice, is_default: false });
            }
        }
    }
    Ok(entries.into_values().collect())
}

/// Changes what is known and answers with the number it was about; none for a reset.
///
/// Provider, model and the way it is spoken to name an entry: no two have all in common.
pub fn provider_change_in_txn(
    conn: &mut Connection,
    _ctx: &mut BatchContext,
    change: &ProviderChange,
    defaults: &[ModelChoice],
) -> Result<Option<i64>, StoreError> {
    let known = provider_list(conn, defaults)?;
    match change {
        ProviderChange::Add(choice) => {
            check_free(&known, choice, None)?;
            let last = known.iter().map(|entry| entry.id).max().unwrap_or_default();
            let id = last.saturating_add(1).max(ProviderEntry::FIRST_OWN_ID);
            put(conn, id, Some(choice))?;
            Ok(Some(id))
        }
        ProviderChange::Update { id, choice } => {
            check_known(&known, *id)?;
            check_free(&known, choice, Some(*id))?;
            put(conn, *id, Some(choice))?;
            Ok(Some(*id))
        }
        ProviderChange::Delete { id } => {
            check_known(&known, *id)?;
            // What the program brings along would come back.
            if *id < ProviderEntry::FIRST_OWN_ID {
                put(conn, *id, None)?;
            } else {
                diesel::delete(providers::table.find(*id)).execute(conn).during(OPERATION)?;
            }
            Ok(Some(*id))
        }
        ProviderChange::Reset => {
            diesel::delete(providers::table).execute(conn).during(OPERATION)?;
            Ok(None)
        }
    }
}

fn check_known(known: &[ProviderEntry], id: i64) -> Result<(), StoreError> {
    if known.iter().any(|entry| entry.id == id) {
        return Ok(());
    }
    Err(StoreError::NotFound { what: "provider", name: id.to_string() })
}

fn check_free(
    known: &[ProviderEntry],
    choice: &ModelChoice,
    besides: Option<i64>,
) -> Result<(), StoreError> {
    let name = |choice: &ModelChoice| (choice.provider.clone(), choice.model.clone());
    let is_same = |entry: &ProviderEntry| {
        name(&entry.choice) == name(choice) && entry.choice.plugin == choice.plugin
    };
    if !known.iter().filter(|entry| Some(entry.id) != besides).any(is_same) {
        return Ok(());
    }
    let name = format!("{}/{}", choice.provider, choice.model);
    Err(StoreError::AlreadyExists { what: "provider", name })
}

fn put(conn: &mut Connection, id: i64, choice: Option<&ModelChoice>) -> Result<(), StoreError> {
    let text = choice.map(serde_json::to_string).transpose().during(OPERATION)?;
    diesel::delete(providers::table.find(id)).execute(conn).during(OPERATION)?;
    let inserted = diesel::insert_into(providers::table)
        .values((providers::id.eq(id), providers::choice.eq(text)))
        .execute(conn);
    one_row(inserted, OPERATION)
}
