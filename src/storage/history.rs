//! The rounds over a transaction, read back: for the next round, and for clients.

use diesel::prelude::*;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::Connection;
use super::failure::During;
use super::rows::{Progress, address, parsed};
use super::schema::{appeals, decisions};
use crate::domain::ledger::{Position, StoreError};
use crate::domain::{Address, PastRound, Phase, Status, Timestamp};

const OPERATION: &str = "reading the rounds over a transaction";

/// The parts of a stored round that later rounds depend on; see `consensus_json`.
#[derive(Deserialize)]
struct StoredRound {
    rotations: Vec<StoredRotation>,
}

#[derive(Deserialize)]
struct StoredRotation {
    committee: Vec<StoredSeat>,
    evidence: Vec<StoredEvidence>,
}

#[derive(Deserialize)]
struct StoredSeat {
    validator: Address,
}

#[derive(Deserialize)]
struct StoredEvidence {
    kind: String,
    validator: Option<Address>,
}

/// The rounds over a transaction that count, oldest first.
pub(super) fn past_rounds(
    conn: &mut Connection,
    progress: &Progress,
) -> Result<Vec<PastRound>, StoreError> {
    let chain_from = i32::try_from(progress.chain_from).during(OPERATION)?;
    let rows: Vec<(String, String, String)> = decisions::table
        .filter(decisions::position.eq(progress.position.0))
        .filter(decisions::attempt.ge(chain_from))
        .order(decisions::attempt)
        .select((decisions::phase, decisions::status, decisions::consensus))
        .load(conn)
        .during(OPERATION)?;
    rows.iter().map(|(phase, status, consensus)| past_round(phase, status, consensus)).collect()
}

fn past_round(phase: &str, status: &str, consensus: &str) -> Result<PastRound, StoreError> {
    let round: StoredRound = serde_json::from_str(consensus).during(OPERATION)?;
    let members = |rotation: &StoredRotation| {
        rotation.committee.iter().map(|seat| seat.validator).collect::<Vec<_>>()
    };
    let failed = round.rotations.iter().flat_map(|rotation| &rotation.evidence);
    let failed = failed.filter(|evidence| evidence.kind == "node_failed");
    Ok(PastRound {
        phase: parsed(phase)?,
        status: parsed(status)?,
        committees: round.rotations.iter().map(members).collect(),
        replaced: failed.filter_map(|evidence| evidence.validator).collect(),
    })
}

/// Every round over a transaction with all that is known of it, and every appeal, oldest first.
/// `None` before the first decision.
pub(super) fn rounds_json(
    conn: &mut Connection,
    position: Position,
) -> Result<Option<Json>, StoreError> {
    let rows: Vec<(i32, String, String, i64, String)> = decisions::table
        .filter(decisions::position.eq(position.0))
        .order(decisions::attempt)
        .select((
            decisions::attempt,
            decisions::phase,
            decisions::status,
            decisions::decided_at,
            decisions::consensus,
        ))
        .load(conn)
        .during(OPERATION)?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut rounds = Vec::with_capacity(rows.len());
    for (attempt, phase, status, decided_at, consensus) in rows {
        let mut round: Json = serde_json::from_str(&consensus).during(OPERATION)?;
        let (phase, status) = (parsed::<Phase>(&phase)?, parsed::<Status>(&status)?);
        label(&mut round, phase, status);
        let rotations = round.get_mut("rotations").map(Json::take);
        rounds.push(json!({
            "attempt": attempt,
            "phase": phase.name(),
            "status": status.name(),
            "decided_at": Timestamp::from_millis(decided_at),
            "rotations": rotations,
        }));
    }
    Ok(Some(json!({ "rounds": rounds, "appeals": appeals_json(conn, position)? })))
}

/// Gives every leader's turn the name that clients know it by.
fn label(round: &mut Json, phase: Phase, status: Status) {
    let Some(rotations) = round.get_mut("rotations").and_then(Json::as_array_mut) else { return };
    let last = rotations.len().saturating_sub(1);
    for (index, rotation) in rotations.iter_mut().enumerate() {
        if let Some(rotation) = rotation.as_object_mut() {
            let label = phase.label(status, index == last);
            rotation.insert("consensus_round".to_owned(), label.into());
        }
    }
}

fn appeals_json(conn: &mut Connection, position: Position) -> Result<Vec<Json>, StoreError> {
    type Row = (i32, String, Vec<u8>, i64, Option<i64>, Option<i32>);
    let rows: Vec<Row> = appeals::table
        .filter(appeals::position.eq(position.0))
        .order(appeals::attempt)
        .select((
            appeals::attempt,
            appeals::kind,
            appeals::appellant,
            appeals::opened_at,
            appeals::closed_at,
            appeals::successful,
        ))
        .load(conn)
        .during("reading the appeals of a transaction")?;
    rows.into_iter()
        .map(|(attempt, kind, appellant, opened_at, closed_at, successful)| {
            Ok(json!({
                "attempt": attempt,
                "kind": kind,
                "appellant": address(&appellant)?,
                "opened_at": Timestamp::from_millis(opened_at),
                "closed_at": closed_at.map(Timestamp::from_millis),
                "successful": successful.map(|successful| successful != 0),
            }))
        })
        .collect()
}
