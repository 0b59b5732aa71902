//! Signed Ethereum transactions: what arrived, who signed it, and what they want.

mod abi;
mod intent;
mod payload;

pub(super) use abi::consensus_abi;
pub(super) use intent::{Intent, intent};
pub(super) use payload::{DeployData, call, calldata, deploy};

use alloy_consensus::transaction::SignerRecoverable;
use alloy_consensus::{Transaction as _, TxEnvelope, Typed2718};
use alloy_eips::eip2718::Decodable2718;

use crate::domain::{Address, Amount, Bytes, Digest, Envelope};

/// A signed transaction whose signature is good.
#[derive(Debug, Clone)]
pub(super) struct Signed {
    /// As it arrived, but for its data.
    pub(super) envelope: Envelope,
    /// Whose key signed it.
    pub(super) signer: Address,
    /// What it says.
    pub(super) input: Bytes,
}

/// Why signed bytes were refused, in words.
///
/// None of them contains a phrase that a client takes for a reason to send the same again in
/// another encoding (`reference/clients.md` section 3.1).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid transaction: {0}")]
pub(super) struct RawError(pub(super) String);

/// Reads the bytes of a signed transaction and finds out who signed it: legacy with and without a
/// chain id, EIP-2930 and EIP-1559, made for any chain. One spelling only: trailing bytes, numbers
/// with leading zeros and the second form of a signature (high s, EIP-2) are refused.
pub(super) fn decode(bytes: &[u8]) -> Result<Signed, RawError> {
    let refuse = |reason: String| RawError(reason);
    let envelope = TxEnvelope::decode_2718_exact(bytes)
        .map_err(|error| refuse(format!("its bytes are not a signed transaction ({error})")))?;
    let kind = envelope.ty();
    if kind > 2 {
        let message =
            format!("type {kind} is not supported; expected 0, 1 (EIP-2930) or 2 (EIP-1559)");
        return Err(refuse(message));
    }
    let signer = envelope.recover_signer().map_err(|error| {
        log::debug!(target: "api", "{error}");
        refuse("its signature fits no key, or is the second form of one (high s)".to_owned())
    })?;
    let signature = envelope.signature();
    Ok(Signed {
        envelope: Envelope {
            hash: Digest::new(alloy_primitives::keccak256(bytes).0),
            kind,
            chain_id: envelope.chain_id(),
            nonce: envelope.nonce(),
            to: envelope.to().map(Address::from),
            value: Amount::new(envelope.value()),
            gas_limit: envelope.gas_limit(),
            gas_price: envelope.max_fee_per_gas(),
            r: Digest::new(signature.r().to_be_bytes()),
            s: Digest::new(signature.s().to_be_bytes()),
            y_parity: signature.v(),
        },
        signer: signer.into(),
        input: envelope.input().clone(),
    })
}

#[cfg(test)]
mod tests;
