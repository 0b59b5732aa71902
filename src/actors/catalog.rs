//! The models that nodes can be told to ask: which are known, which answer, and which may be asked
//! by whom.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::handles::Handles;
use super::messages::{
    ChangeProviders, ChangeValidators, DeleteValidators, GetElectorate, ListProviders, ModelsError,
    Trust,
};
use crate::domain::ledger::{
    Electorate, ProviderChange, ProviderEntry, ProviderRecord, StoreError, ValidatorChange,
    ValidatorRecord,
};
use crate::domain::{
    Address, FieldFault, InvalidField, ModelChoice, NodeModels, Plugin, RunContext,
};
use crate::execution::Models;

/// How long somebody waits at most to hear which models answer; who answers later is known then.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a model is believed to answer after it did.
const BELIEVED: Duration = Duration::from_hours(1);
/// How long it is believed not to, after it did not.
const DISBELIEVED: Duration = Duration::from_mins(1);

/// What is known of a model.
#[derive(Debug, Clone, Copy)]
enum Probe {
    /// It was asked and has not answered yet.
    Asked,
    /// It answered, or did not.
    Done { at: Instant, answers: bool },
}

/// The models of this process' executor, and which of them answered.
#[derive(Debug, Clone)]
pub(super) struct Catalog {
    models: Arc<dyn Models>,
    defaults: Arc<Vec<ModelChoice>>,
    /// By the choice as JSON.
    probes: Arc<Mutex<BTreeMap<String, Probe>>>,
}

impl Catalog {
    /// What is to be known of these models.
    pub(super) fn new(models: Arc<dyn Models>) -> Self {
        Self { defaults: Arc::new(models.known()), models, probes: Arc::default() }
    }

    fn probes(&self) -> MutexGuard<'_, BTreeMap<String, Probe>> {
        self.probes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answers(&self, name: &str) -> bool {
        matches!(self.probes().get(name), Some(Probe::Done { answers: true, .. }))
    }

    /// Is it time to ask this one? Whoever is told so has to ask.
    fn is_to_be_asked(&self, name: &str) -> bool {
        let mut probes = self.probes();
        let is_fresh = match probes.get(name) {
            None => false,
            Some(Probe::Asked) => true,
            Some(Probe::Done { at, answers }) => {
                at.elapsed() < if *answers { BELIEVED } else { DISBELIEVED }
            }
        };
        if !is_fresh {
            probes.insert(name.to_owned(), Probe::Asked);
        }
        !is_fresh
    }

    /// Asks those that were not asked lately, all at once, and waits a little.
    async fn probe(&self, choices: impl Iterator<Item = &ModelChoice>) {
        let asked = choices.filter(|choice| self.is_to_be_asked(&name_of(choice)));
        let asked: Vec<_> = asked
            .map(|choice| {
                let (catalog, choice) = (self.clone(), choice.clone());
                // It goes on when whoever waits has lost patience.
                tokio::spawn(async move {
                    let name = name_of(&choice);
                    let answers = catalog.models.probe(choice).await;
                    catalog.probes().insert(name, Probe::Done { at: Instant::now(), answers });
                })
            })
            .collect();
        let _in_time = timeout(PATIENCE, join_all(asked)).await;
    }

    async fn records(&self, entries: Vec<ProviderEntry>) -> Vec<ProviderRecord> {
        let has_key = |choice: &ModelChoice| self.models.has_key(choice);
        self.probe(entries.iter().map(|entry| &entry.choice).filter(|it| has_key(it))).await;
        let record = |ProviderEntry { id, choice, is_default }| {
            let is_model_available = has_key(&choice) && self.answers(&name_of(&choice));
            // Without a key to look for, only an answer shows that somebody is there.
            let needs_key = choice.key_variable().is_some();
            let is_available = if needs_key { has_key(&choice) } else { is_model_available };
            ProviderRecord { id, choice, is_default, is_available, is_model_available }
        };
        entries.into_iter().map(record).collect()
    }

    fn check(&self, models: &NodeModels) -> Result<(), InvalidField> {
        models.choices().try_for_each(|(place, choice)| {
            let checked = self.models.check(choice).map_err(InvalidField::from);
            checked.map_err(|error| if place.is_empty() { error } else { error.within(place) })
        })
    }
}

fn name_of(choice: &ModelChoice) -> String {
    serde_json::to_string(choice).unwrap_or_default()
}

/// Anybody may choose among the known models, but not where the keys of the network are sent.
fn check_destination(choice: &ModelChoice, known: &[ModelChoice]) -> Result<(), InvalidField> {
    let destination = |choice: &ModelChoice| {
        let api_url = choice.setting("api_url").map(str::to_owned);
        (choice.plugin, api_url, choice.key_variable().map(str::to_owned))
    };
    let asks_nobody =
        choice.is_mocked() || matches!(choice.plugin, Plugin::Scripted | Plugin::Simulated);
    let mut of_provider = known.iter().filter(|entry| entry.provider == choice.provider);
    if asks_nobody || of_provider.any(|entry| destination(entry) == destination(choice)) {
        return Ok(());
    }
    Err(InvalidField {
        fault: FieldFault::Invalid,
        field: "plugin_config".to_owned(),
        reason: format!(
            "`plugin`, `api_url` and `api_key_env_var` are not those of the provider `{}` on this \
             network",
            choice.provider
        ),
        valid: "those that GET /v1/providers shows, or none; or mocks".to_owned(),
    })
}

#[cfg(test)]
#[path = "catalog_tests.rs"]
mod tests;

impl Handles {
    /// Everybody who may sit in committees; calls are run by the first of them.
    pub async fn electorate(&self) -> Result<Electorate, StoreError> {
        self.ask(GetElectorate).await
    }

    /// Changes the set of validators, and lets transactions that waited for one go on. Models are
    /// checked before.
    pub async fn change_validators(
        &self,
        change: ValidatorChange,
    ) -> Result<ValidatorRecord, ModelsError> {
        if let Some(models) = change.models() {
            self.catalog.check(models)?;
        }
        Ok(self.ask(ChangeValidators(change)).await?)
    }

    /// Removes every validator and answers with those there were.
    pub async fn delete_validators(&self) -> Result<Vec<ValidatorRecord>, StoreError> {
        self.ask(DeleteValidators).await
    }

    /// Whom a node asks that has no models of its own.
    pub fn models_by_settings(&self, node: &Address) -> Arc<NodeModels> {
        self.catalog.models.of_settings(node)
    }

    /// The models that are known by name, by number. Those with a key are asked whether they
    /// answer, unless they were lately; this takes three seconds at most.
    pub async fn providers(&self) -> Result<Vec<ProviderRecord>, StoreError> {
        let entries = self.provider_entries().await?;
        Ok(self.catalog.records(entries).await)
    }

    /// The same, without asking any.
    pub async fn provider_entries(&self) -> Result<Vec<ProviderEntry>, StoreError> {
        self.ask(ListProviders { defaults: Arc::clone(&self.catalog.defaults) }).await
    }

    /// Changes which models are known by name, and answers with the number it was about; none for
    /// a reset. A choice is checked before.
    pub async fn change_providers(
        &self,
        change: ProviderChange,
    ) -> Result<Option<i64>, ModelsError> {
        if let ProviderChange::Add(choice) | ProviderChange::Update { choice, .. } = &change {
            self.catalog.models.check(choice).map_err(InvalidField::from)?;
        }
        let defaults = Arc::clone(&self.catalog.defaults);
        Ok(self.ask(ChangeProviders { change, defaults }).await?)
    }

    async fn known(&self) -> Result<Vec<ModelChoice>, StoreError> {
        let entries = self.provider_entries().await?;
        Ok(entries.into_iter().map(|entry| entry.choice).collect())
    }

    /// Reads a choice of one model; what it does not say is as with the known ones.
    pub async fn read_choice(&self, json: &Value) -> Result<ModelChoice, ModelsError> {
        Ok(ModelChoice::from_json(json, &self.known().await?)?)
    }

    /// Reads a node's models: a choice that may have a `fallback`.
    pub async fn read_models(&self, json: &Value) -> Result<NodeModels, ModelsError> {
        Ok(NodeModels::from_json(json, &self.known().await?)?)
    }

    /// Reads how a transaction or call is to be run, which clients call `sim_config`; `None` when
    /// it asks for nothing. Its choices are checked, and those of anybody must not lead the keys
    /// of the network elsewhere.
    pub async fn read_context(
        &self,
        json: &Value,
        trust: Trust,
    ) -> Result<Option<Arc<RunContext>>, ModelsError> {
        let known = self.known().await?;
        let context = RunContext::from_json(json, &known)?;
        for (place, choice) in context.choices() {
            let checked = self.catalog.models.check(choice).map_err(InvalidField::from);
            let checked = checked.and_then(|()| match trust {
                Trust::Operator => Ok(()),
                Trust::Anybody => check_destination(choice, &known),
            });
            checked.map_err(|error| error.within(&place))?;
        }
        Ok((!context.is_empty()).then(|| Arc::new(context)))
    }
}
