//! The keys of clients.

use rand::RngExt;

use super::Handles;
use crate::actors::messages::{CreateApiKey, CreateTier, DeleteApiKey, FindApiKey, ListTiers};
use crate::domain::ledger::StoreError;
use crate::domain::{ApiKey, Digest, NewApiKey, Tier, TierRecord};

/// How often a key is drawn anew whose prefix names another already.
const DRAWS_MAX: u32 = 64;

impl Handles {
    /// Every tier, in the order in which they were made.
    pub async fn tiers(&self) -> Result<Vec<TierRecord>, StoreError> {
        self.ask(ListTiers).await
    }

    /// Makes another tier.
    pub async fn create_tier(&self, tier: Tier) -> Result<TierRecord, StoreError> {
        self.ask(CreateTier(tier)).await
    }

    /// Gives out a key, which is told here and nowhere again. Unlike everything that the network
    /// decides, keys do not follow from its seed: who knows that must not know them.
    pub async fn create_api_key(
        &self,
        tier: &str,
        description: Option<String>,
    ) -> Result<ApiKey, StoreError> {
        let mut draws = 0;
        loop {
            let key = ApiKey::new(rand::rng().random());
            let kept = self.ask(CreateApiKey(NewApiKey {
                prefix: key.prefix().to_owned(),
                digest: ApiKey::digest_of(key.reveal()),
                tier: tier.to_owned(),
                description: description.clone(),
            }));
            match kept.await {
                Err(StoreError::AlreadyExists { .. }) if draws < DRAWS_MAX => draws += 1,
                kept => return kept.map(|()| key),
            }
        }
    }

    /// Takes away the key that a prefix names.
    pub async fn delete_api_key(&self, prefix: &str) -> Result<(), StoreError> {
        self.ask(DeleteApiKey(prefix.to_owned())).await
    }

    /// What may be done with the key of a digest; `None` when there is none.
    pub async fn api_key_tier(&self, digest: Digest) -> Result<Option<Tier>, StoreError> {
        self.ask(FindApiKey(digest)).await
    }
}
