//! Validators, and the models they ask.

use std::sync::Arc;

use actix::Message;

use crate::domain::ledger::{
    Electorate, ProviderChange, ProviderEntry, StoreError, ValidatorChange, ValidatorRecord,
};
use crate::domain::{InvalidField, ModelChoice};

/// Change the set of validators. Answered after it is durable.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<ValidatorRecord, StoreError>")]
pub struct ChangeValidators(pub ValidatorChange);

/// Remove every validator. Answered, with those there were, after it is durable.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Vec<ValidatorRecord>, StoreError>")]
pub struct DeleteValidators;

/// Read all validators, in address order.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Vec<ValidatorRecord>, StoreError>")]
pub struct ListValidators;

/// Read who may sit in committees, as it is known to this process.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Electorate, StoreError>")]
pub struct GetElectorate;

/// Read which models are known by name.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Vec<ProviderEntry>, StoreError>")]
pub struct ListProviders {
    /// What the program brings along.
    pub defaults: Arc<Vec<ModelChoice>>,
}

/// Change which models are known by name. Answered, with the number it was about, after it is
/// durable.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Option<i64>, StoreError>")]
pub struct ChangeProviders {
    /// How.
    pub change: ProviderChange,
    /// What the program brings along.
    pub defaults: Arc<Vec<ModelChoice>>,
}

/// Who says which models are to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Who may change the network: on an open one everybody, on a guarded one who has its key.
    Operator,
    /// Anybody: the keys of the network are sent only where its own providers are.
    Anybody,
}

/// Why models, validators or providers are not as somebody wanted them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelsError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A choice is wrong.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
}
