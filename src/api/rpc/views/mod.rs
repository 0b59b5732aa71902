//! What the network knows, in the shapes that clients take apart.

mod block;
mod execution;
mod history;
mod log;
mod node;
mod receipt;
mod state;
mod status;
mod transaction;
mod upgrade;

use alloy_primitives::U256;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value as Json;

pub(super) use block::{block, within_block};
pub(super) use execution::execution;
pub(super) use log::{bloom, log};
pub(super) use node::node;
pub(in crate::api) use node::{provider, validator};
pub(super) use receipt::receipt;
pub(super) use state::slots;
pub(super) use status::status_code;
pub(super) use transaction::{TransactionContext, studio_names, transaction};
pub(super) use upgrade::told_status;

use crate::domain::{Amount, Timestamp};

/// A number as Ethereum writes quantities.
pub(super) fn quantity(number: u64) -> Json {
    Json::from(format!("{number:#x}"))
}

/// Money as Ethereum writes quantities.
pub(super) fn quantity_of(amount: Amount) -> Json {
    Json::from(format!("{:#x}", amount.get()))
}

/// Money as Studio writes it: a plain number where JSON can hold it exactly, else text.
pub(in crate::api) fn plain(amount: Amount) -> Json {
    let number = amount.get();
    if number <= U256::from(u64::MAX) {
        Json::from(u64::try_from(number).unwrap_or_default())
    } else {
        Json::from(number.to_string())
    }
}

/// Moves a large part to its place; `json!` would copy it, at every level again.
pub(super) fn put(object: &mut Json, name: &str, part: Json) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), part);
    }
}

/// Bytes as Studio writes them.
pub(super) fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// The bytes of what [`base64()`] wrote.
pub(super) fn from_base64(text: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(text).unwrap_or_default()
}

/// Whole seconds since the Unix epoch.
pub(super) fn seconds(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1_000)
}

/// An instant as Studio writes it: ISO 8601 with its offset.
pub(in crate::api) fn iso8601(at: Timestamp) -> String {
    let instant = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    instant.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_with_their_offset() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000000+00:00"),
            (951_782_400_000, "2000-02-29T00:00:00.000000+00:00"),
            (1_781_106_336_100, "2026-06-10T15:45:36.100000+00:00"),
            (-1, "1969-12-31T23:59:59.999000+00:00"),
        ] {
            assert_eq!(iso8601(Timestamp::from_millis(millis)), text);
        }
    }

    #[test]
    fn money_is_a_number_as_long_as_it_is_exact() {
        assert_eq!(plain(Amount::from(5)), Json::from(5));
        assert_eq!(plain(Amount::MAX), Json::from(Amount::MAX.to_string()));
        assert_eq!(quantity_of(Amount::ZERO), Json::from("0x0"));
    }
}
