//! Mocks that whoever asks brought along: they come before everything else there is but the limits
//! of a question.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use super::models::Script;
use super::web::MockWeb;
use super::{
    Answer, Asker, Models, NoAnswer, Prompt, RenderRequest, Rendered, Services, Web, WebRequest,
    WebResponse, codes, limits,
};
use crate::domain::{Address, InvalidChoice, ModelChoice, NodeModels};

/// Answers from the mocks in the `plugin_config` of the asker's first model, and passes on what
/// they are not for: prompts where it has none, and requests to addresses that none of them fits.
#[derive(Debug, Clone)]
pub(super) struct OwnMocks {
    services: Services,
}

impl OwnMocks {
    /// Asks `services` when the asker has no mocks.
    pub(super) const fn over(services: Services) -> Self {
        Self { services }
    }

    /// The made-up web of whoever asks, over the one there is.
    fn web_of(&self, asker: &Asker) -> Result<Option<MockWeb>, NoAnswer> {
        let models = match &asker.models {
            Some(models) => models.clone(),
            None => self.services.models.of_settings(&asker.node),
        };
        let Some(tables) = models.primary.plugin_config.get("mock_web_response") else {
            return Ok(None);
        };
        let web = MockWeb::from_studio(tables);
        let web = web
            .map_err(|error| NoAnswer::unavailable(codes::WEB_REQUEST_FAILED, error.to_string()))?;
        Ok(Some(web.or_else(self.services.web.clone())))
    }
}

impl Models for OwnMocks {
    fn ask(&self, asker: Asker, prompt: Prompt) -> BoxFuture<'static, Result<Answer, NoAnswer>> {
        if let Err(refused) = limits::check(&prompt) {
            return ready(Err(refused)).boxed();
        }
        let Some(models) = asker.models.clone().filter(|models| models.primary.is_mocked()) else {
            return self.services.models.ask(asker, prompt);
        };
        let others = self.services.models.clone();
        async move {
            match Script::answer_of(&models.primary, &asker, &prompt).await {
                Ok(Some(answer)) => answer,
                // A script that cannot be read is the router's to complain of.
                Ok(None) | Err(_) => others.ask(asker, prompt).await,
            }
        }
        .boxed()
    }

    fn known(&self) -> Vec<ModelChoice> {
        self.services.models.known()
    }

    fn check(&self, choice: &ModelChoice) -> Result<(), InvalidChoice> {
        self.services.models.check(choice)
    }

    fn of_settings(&self, node: &Address) -> Arc<NodeModels> {
        self.services.models.of_settings(node)
    }

    fn has_key(&self, choice: &ModelChoice) -> bool {
        self.services.models.has_key(choice)
    }

    fn probe(&self, choice: ModelChoice) -> BoxFuture<'static, bool> {
        self.services.models.probe(choice)
    }
}

impl Web for OwnMocks {
    fn fetch(
        &self,
        asker: Asker,
        request: WebRequest,
    ) -> BoxFuture<'static, Result<WebResponse, NoAnswer>> {
        match self.web_of(&asker) {
            Ok(None) => self.services.web.fetch(asker, request),
            Ok(Some(web)) => web.fetch(asker, request),
            Err(no_answer) => ready(Err(no_answer)).boxed(),
        }
    }

    fn render(
        &self,
        asker: Asker,
        request: RenderRequest,
    ) -> BoxFuture<'static, Result<Rendered, NoAnswer>> {
        match self.web_of(&asker) {
            Ok(None) => self.services.web.render(asker, request),
            Ok(Some(web)) => web.render(asker, request),
            Err(no_answer) => ready(Err(no_answer)).boxed(),
        }
    }
}
