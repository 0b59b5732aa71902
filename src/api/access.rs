//! Who may do what.

use actix_web::HttpRequest;
use actix_web::http::{StatusCode, header};

use super::error::ApiError;
use crate::domain::{Address, Signature, TxHash, keccak256};

/// Who may do what.
#[derive(Clone, PartialEq, Eq)]
pub enum Access {
    /// Everybody everything: on loopback, or on request.
    Open,
    /// Reads are open; submissions must be signed; the rest needs the admin key.
    Guarded {
        /// The secret of `Authorization: Bearer …`.
        admin_key: String,
    },
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Access {
    /// The name of the mode.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Guarded { .. } => "guarded",
        }
    }

    /// Must submissions be signed?
    pub const fn requires_signatures(&self) -> bool {
        matches!(self, Self::Guarded { .. })
    }

    /// Is this the admin key, or is none needed?
    pub(super) fn admits_key(&self, key: &str) -> bool {
        match self {
            Self::Open => true,
            Self::Guarded { admin_key } => is_same(key.as_bytes(), admin_key.as_bytes()),
        }
    }

    /// Is there an admin key, and is it this?
    pub(super) fn is_admin_key(&self, key: &str) -> bool {
        matches!(self, Self::Guarded { .. }) && self.admits_key(key)
    }

    /// Lets administrative requests through.
    pub(super) fn admit_admin(&self, request: &HttpRequest) -> Result<(), ApiError> {
        let Self::Guarded { admin_key } = self else { return Ok(()) };
        let given = request.headers().get(header::AUTHORIZATION);
        let Some(given) = given else {
            let message = "this route needs the admin key";
            return Err(ApiError::new(StatusCode::UNAUTHORIZED, "admin_key_required", message)
                .at("Authorization")
                .valid("Bearer <admin key>"));
        };
        let key = given.as_bytes().split_at_checked(7);
        let key = key.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "));
        let Some((_, key)) = key else {
            let message = "the header `Authorization` has another scheme than Bearer";
            return Err(ApiError::new(StatusCode::UNAUTHORIZED, "admin_key_malformed", message)
                .at("Authorization")
                .valid("Bearer <admin key>"));
        };
        if is_same(key, admin_key.as_bytes()) {
            return Ok(());
        }
        let message = "the admin key is wrong";
        Err(ApiError::new(StatusCode::FORBIDDEN, "admin_key_wrong", message).at("Authorization"))
    }
}

/// Compares digests, so that the time taken tells nothing about the secret.
fn is_same(given: &[u8], secret: &[u8]) -> bool {
    keccak256(&[b"agora:admin", given]) == keccak256(&[b"agora:admin", secret])
}

/// Checks that `from` signed `hash`.
pub(super) fn check_signature(
    from: Address,
    hash: &TxHash,
    signature: &Signature,
) -> Result<(), ApiError> {
    let refuse = |code, message: String| {
        let valid = format!("the EIP-191 personal_sign signature of {hash} by {from}");
        ApiError::new(StatusCode::FORBIDDEN, code, message).at("signature").valid(valid)
    };
    let signer = signature
        .signer_of(hash)
        .map_err(|error| refuse("signature_invalid", error.to_string()))?;
    if signer == from {
        return Ok(());
    }
    let message = format!(
        "the signature over `{hash}` is by `{signer}` and not by `from`, or it is over something else"
    );
    Err(refuse("signature_mismatch", message))
}

/// The refusal of a submission that is not signed.
pub(super) fn signature_required() -> ApiError {
    let message = "this network accepts signed transactions only";
    ApiError::new(StatusCode::UNAUTHORIZED, "signature_required", message)
        .at("signature")
        .valid("personal_sign (EIP-191) over the hash from POST /v1/transactions/hash")
}
