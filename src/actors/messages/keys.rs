//! Keys of clients.

use actix::Message;

use crate::domain::ledger::StoreError;
use crate::domain::{Digest, NewApiKey, Tier, TierRecord};

/// Read every tier.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Vec<TierRecord>, StoreError>")]
pub struct ListTiers;

/// Keep another tier. Answered after it is durable.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<TierRecord, StoreError>")]
pub struct CreateTier(pub Tier);

/// Keep a key that is given out. Answered after it is durable.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct CreateApiKey(pub NewApiKey);

/// Forget the key of a prefix. Answered after it is durable.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct DeleteApiKey(pub String);

/// Read what may be done with the key of a digest.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Option<Tier>, StoreError>")]
pub struct FindApiKey(pub Digest);
