//! Language models: real ones over HTTP, scripted ones for tests, simulated ones for a first start.
//!
//! A [`ModelRouter`] knows which node uses which model. A node it does not know is answered by the
//! [`SimulatedModels`], which need neither a key nor a network.

mod anthropic;
mod api;
mod failure;
mod google;
mod ollama;
mod openai;
mod probe;
mod registry;
mod reply;
mod router;
mod scripted;
mod secrets;
mod simulated;
mod studio_mocks;
mod template;

pub use crate::domain::{InvalidChoice, ModelChoice, NodeModels, Plugin};
pub use api::ModelSettings;
pub use probe::Availability;
pub use registry::Registry;
pub(in crate::execution) use registry::check_choice;
pub use router::ModelRouter;
pub use scripted::{Script, ScriptError, ScriptedModels};
pub use secrets::{Secrets, SecretsError};
pub use simulated::SimulatedModels;
