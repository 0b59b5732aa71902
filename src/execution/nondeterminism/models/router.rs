//! Which node asks which model.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::api::{Api, ModelSettings};
use super::failure::Failure;
use super::probe::Availability;
use super::registry::check_choice;
use super::scripted::Script;
use super::secrets::Secrets;
use super::simulated::SimulatedModels;
use super::template::Chat;
use crate::domain::Address;
use crate::domain::{InvalidChoice, ModelChoice, NodeModels, Plugin};
use crate::execution::nondeterminism::{Answer, Asker, Models, NoAnswer, Prompt};

/// Sends every node's prompts to the models it was given: those that come with the question, or
/// else those of this table.
///
/// Clones are handles to the same router: what one sets, all see, from the next prompt on.
#[derive(Debug, Clone)]
pub struct ModelRouter {
    routes: Arc<RwLock<Routes>>,
    api: Arc<Api>,
    simulated: SimulatedModels,
}

#[derive(Debug, Clone)]
struct Routes {
    nodes: BTreeMap<Address, Arc<NodeModels>>,
    otherwise: Arc<NodeModels>,
}

impl ModelRouter {
    /// A router that knows no node yet; fails if TLS cannot be set up.
    pub fn new(settings: ModelSettings, secrets: Secrets) -> Result<Self, String> {
        let otherwise = Arc::new(NodeModels::only(ModelChoice::simulated()));
        let routes = Routes { nodes: BTreeMap::new(), otherwise };
        Ok(Self {
            routes: Arc::new(RwLock::new(routes)),
            api: Arc::new(Api::new(settings, secrets)?),
            simulated: SimulatedModels::default(),
        })
    }

    /// What a node asks from now on; the choices are checked before anything changes.
    pub fn set(&self, node: Address, models: NodeModels) -> Result<(), InvalidChoice> {
        check(&models)?;
        self.change(|routes| routes.nodes.insert(node, Arc::new(models)));
        Ok(())
    }

    /// Replaces all nodes at once, or none if any choice is wrong.
    pub fn replace(&self, nodes: BTreeMap<Address, NodeModels>) -> Result<(), InvalidChoice> {
        nodes.values().try_for_each(check)?;
        let nodes = nodes.into_iter().map(|(node, models)| (node, Arc::new(models))).collect();
        self.change(|routes| routes.nodes = nodes);
        Ok(())
    }

    /// What nodes ask that were not set, readers among them. At first, the simulated provider.
    pub fn set_otherwise(&self, models: NodeModels) -> Result<(), InvalidChoice> {
        check(&models)?;
        self.change(|routes| routes.otherwise = Arc::new(models));
        Ok(())
    }

    /// Forgets a node.
    pub fn remove(&self, node: &Address) {
        self.change(|routes| routes.nodes.remove(node));
    }

    /// What a node asks.
    pub fn models_of(&self, node: &Address) -> Arc<NodeModels> {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        routes.nodes.get(node).unwrap_or(&routes.otherwise).clone()
    }

    /// The simulated provider, whose disagreement can be set.
    pub const fn simulated(&self) -> &SimulatedModels {
        &self.simulated
    }

    /// The keys it has; they show only their names.
    pub fn secrets(&self) -> &Secrets {
        &self.api.secrets
    }

    pub(super) fn settings(&self) -> &ModelSettings {
        &self.api.settings
    }

    fn change<T>(&self, change: impl FnOnce(&mut Routes) -> T) {
        change(&mut self.routes.write().unwrap_or_else(PoisonError::into_inner));
    }

    async fn answer(&self, asker: &Asker, prompt: &Prompt) -> Result<Answer, NoAnswer> {
        let models = match &asker.models {
            Some(models) => models.clone(),
            None => self.models_of(&asker.node),
        };
        let mut failures = Vec::new();
        for choice in [Some(&models.primary), models.fallback.as_ref()].into_iter().flatten() {
            match self.ask_one(choice, asker, prompt).await {
                Ok(answer) => return answer,
                Err(failure) => failures.push(failure),
            }
        }
        Err(Failure::conclude(&failures))
    }

    /// Asks one model and nobody else.
    pub(super) async fn ask_choice(
        &self,
        choice: &ModelChoice,
        asker: &Asker,
        prompt: &Prompt,
    ) -> Result<Answer, NoAnswer> {
        match self.ask_one(choice, asker, prompt).await {
            Ok(answer) => answer,
            Err(failure) => Err(Failure::conclude(&[failure])),
        }
    }

    /// The outer error is one for which a fallback is asked. A script's word is final: a mock that
    /// is missing must be seen, and a mocked error is what the test is about.
    async fn ask_one(
        &self,
        choice: &ModelChoice,
        asker: &Asker,
        prompt: &Prompt,
    ) -> Result<Result<Answer, NoAnswer>, Failure> {
        let scripted = Script::answer_of(choice, asker, prompt).await;
        let scripted = scripted.map_err(|error| Failure::provider(error.to_string()))?;
        match (scripted, choice.plugin) {
            (Some(answer), _) => Ok(answer),
            (None, Plugin::Scripted) => Ok(Script::default().answer(asker, prompt)),
            (None, Plugin::Simulated) => {
                Ok(self.simulated.ask(asker.clone(), prompt.clone()).await)
            }
            (None, _) => self.api.ask(choice, asker, &Chat::of(prompt)?).await.map(Ok),
        }
    }
}

fn check(models: &NodeModels) -> Result<(), InvalidChoice> {
    [Some(&models.primary), models.fallback.as_ref()]
        .into_iter()
        .flatten()
        .try_for_each(check_choice)
}

impl Models for ModelRouter {
    fn ask(&self, asker: Asker, prompt: Prompt) -> BoxFuture<'static, Result<Answer, NoAnswer>> {
        let router = self.clone();
        async move { router.answer(&asker, &prompt).await }.boxed()
    }

    fn of_settings(&self, node: &Address) -> Arc<NodeModels> {
        self.models_of(node)
    }

    fn has_key(&self, choice: &ModelChoice) -> bool {
        choice.key_variable().is_none_or(|name| self.secrets().contains(name))
    }

    fn probe(&self, choice: ModelChoice) -> BoxFuture<'static, bool> {
        let router = self.clone();
        async move {
            // Whoever invents its answers may answer otherwise, but it does.
            choice.plugin == Plugin::Simulated
                || Self::probe(&router, &choice).await == Availability::Available
        }
        .boxed()
    }
}
