//! Spellings that several methods share.

use std::sync::Arc;

use serde_json::Value as Json;

use super::super::answer::RpcError;
use super::super::definition::{Args, Caller};
use crate::actors::messages::{ModelsError, Trust};
use crate::domain::{Digest, RunContext};

/// A storage slot: 32 bytes, or a number as Ethereum's clients write it.
pub(super) fn slot(args: &Args, name: &str) -> Result<Option<Digest>, RpcError> {
    if let Ok(hash) = args.hash(name) {
        return Ok(hash);
    }
    let number = args.amount(name)?;
    Ok(number.map(|number| Digest::new(number.get().to_be_bytes())))
}

/// How a transaction or call wants to be run (`sim_config`).
pub(super) async fn context(
    caller: &Caller,
    config: Option<Json>,
) -> Result<Option<Arc<RunContext>>, RpcError> {
    let Some(config) = config else { return Ok(None) };
    let trust = if caller.is_admin { Trust::Operator } else { Trust::Anybody };
    Ok(caller
        .api
        .handles
        .read_context(&config, trust)
        .await
        .map_err(|error| within(error, "sim_config"))?)
}

fn within(error: ModelsError, place: &str) -> ModelsError {
    match error {
        ModelsError::Invalid(error) => ModelsError::Invalid(error.within(place)),
        store @ ModelsError::Store(_) => store,
    }
}
