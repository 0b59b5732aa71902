//! Validators and the models they ask.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde_json::{Map, Value as Json, json};

use super::super::answer::{Answer, RpcError};
use super::super::definition::Kind::{Address, Any, Integer, List, Object, Text};
use super::super::definition::{Args, Caller, Definition, may, needs};
use super::super::views;
use crate::domain::ledger::{ProviderChange, ValidatorChange, ValidatorRecord};
use crate::domain::{ModelChoice, NodeModels, Stake, keccak256};

/// Validators there may be, at most, as over REST.
const VALIDATORS_MAX: usize = 10_000;
/// Validators of one call, at most.
const CREATED_MAX: u64 = 1_000;

pub(super) const METHODS: &[Definition] = &[
    Definition::new(
        "sim_createValidator",
        "Creates a validator.",
        &[
            needs("stake", Integer),
            needs("provider", Text),
            needs("model", Text),
            may("config", Any),
            may("plugin", Text),
            may("plugin_config", Any),
            may("admin_key", Text),
        ],
        "the validator",
        |caller, args| Box::pin(create(caller, args)),
    )
    .admin(),
    Definition::new(
        "sim_createRandomValidator",
        "Creates a validator that asks one of the models that can be asked.",
        &[needs("stake", Integer), may("admin_key", Text)],
        "the validator",
        |caller, args| Box::pin(create_random(caller, args)),
    )
    .admin(),
    Definition::new(
        "sim_createRandomValidators",
        "Creates validators with drawn stakes that ask models that can be asked.",
        &[
            needs("count", Integer),
            may("min_stake", Integer),
            may("max_stake", Integer),
            may("limit_providers", List),
            may("limit_models", List),
            may("admin_key", Text),
        ],
        "an array of validators",
        |caller, args| Box::pin(create_many(caller, args)),
    )
    .admin(),
    Definition::new(
        "sim_updateValidator",
        "Changes a validator's stake or models; what is left out stays.",
        &[
            needs("validator_address", Address),
            may("stake", Integer),
            may("provider", Text),
            may("model", Text),
            may("config", Any),
            may("plugin", Text),
            may("plugin_config", Any),
            may("admin_key", Text),
        ],
        "the validator",
        |caller, args| Box::pin(update(caller, args)),
    )
    .admin(),
    Definition::new(
        "sim_deleteValidator",
        "Removes a validator.",
        &[needs("validator_address", Address), may("admin_key", Text)],
        "its address",
        |caller, args| Box::pin(delete(caller, args)),
    )
    .admin(),
    Definition::new(
        "sim_deleteAllValidators",
        "Removes every validator.",
        &[may("admin_key", Text)],
        "an empty array",
        |caller, _| {
            Box::pin(async move {
                caller.api.handles.delete_validators().await?;
                Ok(json!([]))
            })
        },
    )
    .admin(),
    Definition::new(
        "sim_getAllValidators",
        "All validators.",
        &[],
        "an array of validators",
        |caller, _| Box::pin(all(caller)),
    ),
    Definition::new(
        "sim_getValidator",
        "One validator.",
        &[needs("validator_address", Address)],
        "the validator",
        |caller, args| Box::pin(get(caller, args)),
    ),
    Definition::new(
        "sim_countValidators",
        "How many validators there are.",
        &[],
        "an integer",
        |caller, _| {
            Box::pin(async move { Ok(json!(caller.api.handles.validators().await?.len())) })
        },
    ),
    Definition::new(
        "sim_getProvidersAndModels",
        "The models that are known by name, and which of them can be asked.",
        &[],
        "an array of providers",
        |caller, _| {
            Box::pin(async move {
                let providers = caller.api.handles.providers().await?;
                Ok(providers.iter().map(views::provider).collect())
            })
        },
    ),
    Definition::new(
        "sim_resetDefaultsLlmProviders",
        "Goes back to the models that the program brings along.",
        &[may("admin_key", Text)],
        "null",
        |caller, _| {
            Box::pin(async move {
                caller.api.handles.change_providers(ProviderChange::Reset).await?;
                Ok(Json::Null)
            })
        },
    )
    .admin(),
    Definition::new(
        "sim_addProvider",
        "Makes a model known by name.",
        &[needs("provider_config", Object).or("params"), may("admin_key", Text)],
        "its number",
        |caller, args| Box::pin(add_provider(caller, args)),
    )
    .admin(),
    Definition::new(
        "sim_updateProvider",
        "Changes a known model.",
        &[
            needs("id", Integer),
            needs("provider_config", Object).or("params"),
            may("admin_key", Text),
        ],
        "null",
        |caller, args| Box::pin(update_provider(caller, args)),
    )
    .admin(),
    Definition::new(
        "sim_deleteProvider",
        "Forgets a known model.",
        &[needs("id", Integer), may("admin_key", Text)],
        "null",
        |caller, args| Box::pin(delete_provider(caller, args)),
    )
    .admin(),
];

fn view(caller: &Caller, record: &ValidatorRecord) -> Json {
    let otherwise = caller.api.handles.models_by_settings(&record.validator.address);
    views::validator(record, &otherwise)
}

fn stake_of(args: &Args, name: &str) -> Result<Option<Stake>, RpcError> {
    let Some(stake) = args.integer(name)? else { return Ok(None) };
    let stake = Stake::try_from(stake);
    stake.map(Some).map_err(|error| RpcError::invalid(name, "0", &error.to_string()))
}

/// The models that the fields of a validator name; none when they name none.
async fn models(caller: &Caller, args: &Args) -> Result<Option<NodeModels>, RpcError> {
    let mut fields = Map::new();
    for name in ["provider", "model", "config", "plugin", "plugin_config"] {
        if let Some(value) = args.json(name)? {
            fields.insert(name.to_owned(), value);
        }
    }
    if fields.is_empty() {
        return Ok(None);
    }
    Ok(Some(caller.api.handles.read_models(&Json::Object(fields)).await?))
}

async fn check_room(caller: &Caller, more: usize) -> Result<Vec<ValidatorRecord>, RpcError> {
    let present = caller.api.handles.validators().await?;
    if present.len().saturating_add(more) <= VALIDATORS_MAX {
        return Ok(present);
    }
    let message = format!(
        "there are {} validators already, and at most {VALIDATORS_MAX} can be",
        present.len()
    );
    Err(RpcError::new(RpcError::REFUSED, message))
}

async fn create(caller: Caller, args: Args) -> Answer {
    let stake = args.required("stake", stake_of(&args, "stake")?)?;
    let models = models(&caller, &args).await?;
    check_room(&caller, 1).await?;
    let change = ValidatorChange::Create { address: None, stake, models };
    Ok(view(&caller, &caller.api.handles.change_validators(change).await?))
}

async fn create_random(caller: Caller, args: Args) -> Answer {
    let stake = args.required("stake", stake_of(&args, "stake")?)?;
    let draw = Draw { count: 1, least: stake.get(), most: stake.get(), only: Only::default() };
    let made = draw.make(&caller).await?;
    Ok(made.into_iter().next().unwrap_or(Json::Null))
}

/// Of these providers and models only; of all when empty.
#[derive(Debug, Default)]
struct Only {
    providers: Vec<String>,
    models: Vec<String>,
}

impl Only {
    fn names(args: &Args, name: &str) -> Result<Vec<String>, RpcError> {
        let given = args.list(name)?.unwrap_or_default();
        let names: Option<Vec<String>> =
            given.iter().map(|it| it.as_str().map(str::to_owned)).collect();
        names.ok_or_else(|| {
            RpcError::invalid(name, &Json::from(given).to_string(), "an array of names")
        })
    }

    fn admits(&self, choice: &ModelChoice) -> bool {
        let fits =
            |names: &[String], name: &str| names.is_empty() || names.iter().any(|it| it == name);
        fits(&self.providers, &choice.provider) && fits(&self.models, &choice.model)
    }
}

/// Validators that are drawn.
struct Draw {
    count: u64,
    least: u64,
    most: u64,
    only: Only,
}

async fn create_many(caller: Caller, args: Args) -> Answer {
    let count = args.required("count", args.integer("count")?)?;
    let least = args.integer("min_stake")?.unwrap_or(1);
    let most = args.integer("max_stake")?.unwrap_or_else(|| least.max(10));
    if !(1..=CREATED_MAX).contains(&count) {
        return Err(RpcError::invalid("count", &count.to_string(), "an integer from 1 to 1000"));
    }
    if least == 0 || most < least {
        let given = format!("{least} to {most}");
        return Err(RpcError::invalid("min_stake", &given, "at least 1 and at most `max_stake`"));
    }
    let only = Only {
        providers: Only::names(&args, "limit_providers")?,
        models: Only::names(&args, "limit_models")?,
    };
    Ok(Json::from(Draw { count, least, most, only }.make(&caller).await?))
}

impl Draw {
    /// Draws follow from the network's seed and the number of validators there are. Models are
    /// those that can be asked; where none can, validators ask whom the settings name.
    async fn make(&self, caller: &Caller) -> Result<Vec<Json>, RpcError> {
        let handles = &caller.api.handles;
        let present = check_room(caller, usize::try_from(self.count).unwrap_or(usize::MAX)).await?;
        let providers = handles.providers().await?;
        let named: Vec<&ModelChoice> =
            providers.iter().map(|known| &known.choice).filter(|it| self.only.admits(it)).collect();
        if named.is_empty() {
            let given = format!("{:?} {:?}", self.only.providers, self.only.models);
            let valid = "providers and models of sim_getProvidersAndModels";
            return Err(RpcError::invalid("limit_providers", &given, valid));
        }
        let usable: Vec<&ModelChoice> = providers
            .iter()
            .filter(|known| known.is_available && known.is_model_available)
            .map(|known| &known.choice)
            .filter(|choice| self.only.admits(choice))
            .collect();
        let known = u64::try_from(present.len()).unwrap_or(u64::MAX);
        let seed = handles.settings().seed;
        let seed = keccak256(&[b"agora:random-validators", seed.as_bytes(), &known.to_be_bytes()]);
        let mut rng = ChaCha20Rng::from_seed(*seed.as_bytes());
        let mut made = Vec::new();
        for _ in 0..self.count {
            let stake = Stake::try_from(rng.random_range(self.least..=self.most))
                .map_err(|error| RpcError::invalid("min_stake", "0", &error.to_string()))?;
            let models = match usable.len() {
                0 => None,
                count => {
                    usable.get(rng.random_range(0..count)).map(|it| NodeModels::only((*it).clone()))
                }
            };
            let change = ValidatorChange::Create { address: None, stake, models };
            made.push(view(caller, &handles.change_validators(change).await?));
        }
        Ok(made)
    }
}

async fn record(caller: &Caller, args: &Args) -> Result<ValidatorRecord, RpcError> {
    let address = args.required("validator_address", args.address("validator_address")?)?;
    let all = caller.api.handles.validators().await?;
    let found = all.into_iter().find(|record| record.validator.address == address);
    found.ok_or_else(|| RpcError::not_found("validator", &address))
}

async fn update(caller: Caller, args: Args) -> Answer {
    let address = record(&caller, &args).await?.validator.address;
    let stake = stake_of(&args, "stake")?;
    let models = models(&caller, &args).await?;
    let change = ValidatorChange::Update { address, stake, models };
    Ok(view(&caller, &caller.api.handles.change_validators(change).await?))
}

async fn delete(caller: Caller, args: Args) -> Answer {
    let address = record(&caller, &args).await?.validator.address;
    caller.api.handles.change_validators(ValidatorChange::Delete { address }).await?;
    Ok(json!(address))
}

async fn all(caller: Caller) -> Answer {
    let records = caller.api.handles.validators().await?;
    Ok(records.iter().map(|record| view(&caller, record)).collect())
}

async fn get(caller: Caller, args: Args) -> Answer {
    Ok(view(&caller, &record(&caller, &args).await?))
}

async fn add_provider(caller: Caller, args: Args) -> Answer {
    let config = args.required("provider_config", args.json("provider_config")?)?;
    let choice = caller.api.handles.read_choice(&config).await?;
    Ok(json!(caller.api.handles.change_providers(ProviderChange::Add(choice)).await?))
}

fn provider_id(args: &Args) -> Result<i64, RpcError> {
    let id = args.required("id", args.integer("id")?)?;
    Ok(i64::try_from(id).unwrap_or(i64::MAX))
}

async fn update_provider(caller: Caller, args: Args) -> Answer {
    let config = args.required("provider_config", args.json("provider_config")?)?;
    let choice = caller.api.handles.read_choice(&config).await?;
    let change = ProviderChange::Update { id: provider_id(&args)?, choice };
    caller.api.handles.change_providers(change).await?;
    Ok(Json::Null)
}

async fn delete_provider(caller: Caller, args: Args) -> Answer {
    let change = ProviderChange::Delete { id: provider_id(&args)? };
    caller.api.handles.change_providers(change).await?;
    Ok(Json::Null)
}
