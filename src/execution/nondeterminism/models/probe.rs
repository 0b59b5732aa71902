//! Does a model answer at all?

use crate::domain::{Address, Digest};
use crate::execution::nondeterminism::{Answer, AnswerFormat, Asker, NoAnswer, Prompt, codes};

use super::failure::beginning;
use super::router::ModelRouter;
use crate::domain::ModelChoice;

/// What a probe of a model found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// It answers.
    Available,
    /// It does not, or not what it was asked for.
    Unavailable(NoAnswer),
}

impl ModelRouter {
    /// Asks a model, without its fallback, for the word `ok`, and waits for
    /// [`probe_timeout`](super::ModelSettings::probe_timeout) at most.
    pub async fn probe(&self, choice: &ModelChoice) -> Availability {
        let asker = Asker {
            node: Address::ZERO,
            seed: Digest::new([0; 32]),
            leads: true,
            number: 0,
            models: None,
        };
        let prompt = Prompt::Free {
            text: "Respond with only the word ok.".to_owned(),
            format: AnswerFormat::Text,
            images: Vec::new(),
        };
        let limit = self.settings().probe_timeout;
        let answer = tokio::time::timeout(limit, self.ask_choice(choice, &asker, &prompt));
        let failed = match answer.await {
            Ok(Ok(Answer::Text(text))) if text.to_lowercase().contains("ok") => {
                return Availability::Available;
            }
            Ok(Ok(Answer::Text(text))) => {
                let said = beginning(&text, 80);
                NoAnswer::unavailable(
                    codes::LLM_PROVIDER_ERROR,
                    format!("asked for `ok`, the model said `{said}`"),
                )
            }
            Ok(Ok(_)) => NoAnswer::unavailable(codes::LLM_PROVIDER_ERROR, "no text came"),
            Ok(Err(no_answer)) => no_answer,
            // The elapsed time says no more than the limit.
            Err(_) => NoAnswer::unavailable(
                codes::LLM_TIMEOUT,
                format!("no answer within {} s", limit.as_secs()),
            ),
        };
        Availability::Unavailable(failed)
    }
}
