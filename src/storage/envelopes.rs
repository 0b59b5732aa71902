//! Signed Ethereum transactions, as they arrived.

use diesel::prelude::*;

use super::Connection;
use super::failure::During;
use super::rows::{address, digest};
use super::schema::envelopes;
use super::transactions::one_row;
use crate::domain::ledger::StoreError;
use crate::domain::{Address, Envelope, EnvelopeRecord, TxHash};

/// The envelope with the hash `hash`, if it ever arrived.
pub fn envelope_get(
    conn: &mut Connection,
    hash: TxHash,
) -> Result<Option<EnvelopeRecord>, StoreError> {
    const OPERATION: &str = "reading a signed transaction";
    let row: Option<(Vec<u8>, Vec<u8>, String)> = envelopes::table
        .find(hash.as_bytes().as_slice())
        .select((envelopes::subject, envelopes::signer, envelopes::body))
        .get_result(conn)
        .optional()
        .during(OPERATION)?;
    row.map(|(subject, signer, body)| {
        Ok(EnvelopeRecord {
            envelope: serde_json::from_str(&body).during(OPERATION)?,
            subject: digest(&subject)?,
            signer: address(&signer)?,
        })
    })
    .transpose()
}

/// Stores an envelope with what it is about.
pub(super) fn insert(
    conn: &mut Connection,
    envelope: &Envelope,
    signer: Address,
    subject: TxHash,
) -> Result<(), StoreError> {
    const OPERATION: &str = "storing a signed transaction";
    let inserted = diesel::insert_into(envelopes::table)
        .values((
            envelopes::hash.eq(envelope.hash.as_bytes().as_slice()),
            envelopes::subject.eq(subject.as_bytes().as_slice()),
            envelopes::signer.eq(signer.as_bytes().as_slice()),
            envelopes::body.eq(serde_json::to_string(envelope).during(OPERATION)?),
        ))
        .execute(conn);
    one_row(inserted, OPERATION)
}
