//! Who may sit in committees, and whom their nodes ask.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Address, Digest, NodeModels, RunContext, Stake, Timestamp, Validator};

/// The models of those validators that have models of their own; the others ask whom the settings
/// of the network name.
pub type Models = Arc<BTreeMap<Address, Arc<NodeModels>>>;

/// A validator with its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatorRecord {
    /// Its name and weight.
    pub validator: Validator,
    /// How many validators were created before it.
    pub number: u64,
    /// Whom its node asks; `None` is whom the settings of the network name.
    pub models: Option<Arc<NodeModels>>,
    /// When it joined.
    pub created_at: Timestamp,
}

/// A change to the set of validators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValidatorChange {
    /// A new validator.
    Create {
        /// Its address; `None` derives one from the network's seed.
        address: Option<Address>,
        /// Its weight.
        stake: Stake,
        /// Whom its node asks.
        models: Option<NodeModels>,
    },
    /// Another weight, other models, or both; what is `None` stays.
    Update {
        /// Whose.
        address: Address,
        /// Its new weight.
        stake: Option<Stake>,
        /// Whom its node asks from now on.
        models: Option<NodeModels>,
    },
    /// Leaves the network.
    Delete {
        /// Who.
        address: Address,
    },
}

impl ValidatorChange {
    /// The models that it brings.
    pub const fn models(&self) -> Option<&NodeModels> {
        match self {
            Self::Create { models, .. } | Self::Update { models, .. } => models.as_ref(),
            Self::Delete { .. } => None,
        }
    }
}

/// Everybody who may sit in committees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Electorate {
    /// In address order.
    pub validators: Arc<Vec<Validator>>,
    /// Whom their nodes ask.
    pub models: Models,
    /// Who of them joined first.
    pub first: Option<Address>,
}

impl Electorate {
    /// Those that are registered.
    pub fn of_records(mut records: Vec<ValidatorRecord>) -> Self {
        records.sort_by_key(|record| record.validator.address);
        let first = records.iter().min_by_key(|record| record.number);
        let first = first.map(|record| record.validator.address);
        let models = records
            .iter()
            .filter_map(|record| Some((record.validator.address, record.models.clone()?)));
        Self {
            models: Arc::new(models.collect()),
            validators: Arc::new(records.into_iter().map(|record| record.validator).collect()),
            first,
        }
    }

    /// Those that exist for one transaction or call; `None` when the network's are to judge.
    ///
    /// Each is named after what it exists for and its place, so that every replay finds the same.
    pub fn of_context(context: &RunContext, of: &Digest) -> Option<Self> {
        let records = context.validators.iter().zip(0..).map(|(validator, number)| {
            let address = Address::of_context_validator(of, number);
            ValidatorRecord {
                validator: Validator { address, stake: validator.stake },
                number,
                models: validator.models.clone().map(Arc::new),
                created_at: Timestamp::default(),
            }
        });
        let electorate = Self::of_records(records.collect());
        (!electorate.validators.is_empty()).then_some(electorate)
    }
}
