//! Spellings that several methods share.

use std::sync::Arc;

use super::super::answer::RpcError;
use super::super::definition::{Args, Caller};
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
pub(super) fn context(_caller: &Caller, args: &Args) -> Result<Option<Arc<RunContext>>, RpcError> {
    let _config = args.json("sim_config")?;
    Ok(None)
}
