//! Invented answers, so that a first start needs no key: of the shape a prompt demands, and the
//! same for every node of a transaction.

mod alternatives;
mod demand;
mod hint;
mod prose;
mod schema;
mod shape;
mod skeleton;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::json;

use self::demand::Demand;
use self::shape::Draw;
use crate::execution::nondeterminism::aside::aside;
use crate::execution::nondeterminism::{
    Answer, AnswerFormat, Asker, Models, NoAnswer, Prompt, codes,
};

/// Bytes at either end of a prompt that are read: a demand stands before or after the material.
const END_BYTES: usize = 64 << 10;

/// Invents answers of the shape that a prompt demands.
///
/// They depend on the execution's seed and the question's number, and on nothing else: not on the
/// prompt's other words, which may hold what differs from node to node, nor on the node. Verdicts
/// are true. Only with the probability `disagreement`, drawn per node and question, a node answers
/// otherwise. Clones are handles to the same setting.
#[derive(Debug, Clone, Default)]
pub struct SimulatedModels {
    /// The bits of a `f64`.
    disagreement: Arc<AtomicU64>,
}

impl SimulatedModels {
    /// How probable it is that a node answers unlike the others; beyond 0 to 1, the nearest.
    pub fn set_disagreement(&self, probability: f64) {
        let probability = if probability.is_nan() { 0.0 } else { probability.clamp(0.0, 1.0) };
        self.disagreement.store(probability.to_bits(), Ordering::Relaxed);
    }

    /// See [`SimulatedModels::set_disagreement`].
    pub fn disagreement(&self) -> f64 {
        f64::from_bits(self.disagreement.load(Ordering::Relaxed))
    }

    fn disagrees(&self, asker: &Asker) -> bool {
        let drawn = asker.chance(b"agora:simulated-disagreement", true, 0) % (1 << 32);
        let drawn = u32::try_from(drawn).unwrap_or_default();
        f64::from(drawn) / 4_294_967_296.0 < self.disagreement()
    }

    /// The answer to a prompt; there always is one.
    pub fn answer(&self, asker: &Asker, prompt: &Prompt) -> Answer {
        let disagrees = self.disagrees(asker);
        match prompt {
            Prompt::Comparative { .. } | Prompt::NonComparativeValidator { .. } => {
                Answer::Verdict(!disagrees)
            }
            Prompt::Free { text, format, .. } => invent(asker, disagrees, &ends(text), *format),
            Prompt::NonComparativeLeader { task, criteria, .. } => {
                let text = format!("{}\n{}", ends(task), ends(criteria));
                invent(asker, disagrees, &text, AnswerFormat::Text)
            }
        }
    }
}

/// A text without its middle, where it is long.
fn ends(text: &str) -> Cow<'_, str> {
    if text.len() <= 2 * END_BYTES {
        return Cow::Borrowed(text);
    }
    let (begin, _) = text.split_at(text.floor_char_boundary(END_BYTES));
    let (_, end) = text.split_at(text.ceil_char_boundary(text.len() - END_BYTES));
    Cow::Owned(format!("{begin}\n{end}"))
}

/// An answer that all nodes give, or one that they do not.
fn invent(asker: &Asker, disagrees: bool, text: &str, format: AnswerFormat) -> Answer {
    /// A demand that leaves no choice makes every draw the same.
    const DRAWS_MAX: u32 = 32;
    let demand = Demand::read(text, format);
    let draw = |own: bool, turn: u32| {
        let value = demand.draw(&mut Draw::new(asker.chance(b"agora:simulated", own, turn)));
        match (format, value) {
            (AnswerFormat::Text, value) => {
                Answer::Text(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            }
            (AnswerFormat::Json, value) if value.is_object() => Answer::Json(value),
            (AnswerFormat::Json, value) => Answer::Json(json!({"answer": value})),
        }
    };
    let common = draw(false, 0);
    if !disagrees {
        return common;
    }
    (1..=DRAWS_MAX).map(|turn| draw(true, turn)).find(|own| *own != common).unwrap_or(common)
}

impl Models for SimulatedModels {
    fn ask(&self, asker: Asker, prompt: Prompt) -> BoxFuture<'static, Result<Answer, NoAnswer>> {
        let models = self.clone();
        let answer = aside(move || models.answer(&asker, &prompt));
        let broken = || {
            let reason = "the simulated model could not read the prompt";
            NoAnswer::unavailable(codes::LLM_PROVIDER_ERROR, reason)
        };
        async move { answer.await.ok_or_else(broken) }.boxed()
    }
}
