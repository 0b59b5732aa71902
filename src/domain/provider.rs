//! The language models that are known by name.

use super::ModelChoice;

/// A known provider's model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderEntry {
    /// Its number: the place in the program's list, or a higher one.
    pub id: i64,
    /// The model and how it is reached.
    pub choice: ModelChoice,
    /// The program brought it along, and nobody changed it.
    pub is_default: bool,
}

impl ProviderEntry {
    /// The first number of an entry that the program did not bring along: far behind those, so
    /// that a newer program can bring more.
    pub const FIRST_OWN_ID: i64 = 10_001;

    /// What the program brings along, numbered from 1.
    pub fn defaults(choices: &[ModelChoice]) -> Vec<Self> {
        let numbered = choices.iter().zip(1i64..);
        numbered.map(|(choice, id)| Self { id, choice: choice.clone(), is_default: true }).collect()
    }
}

/// A known provider's model, and whether it can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderRecord {
    /// Its number.
    pub id: i64,
    /// The model and how it is reached.
    pub choice: ModelChoice,
    /// The program brought it along, and nobody changed it.
    pub is_default: bool,
    /// The provider can be asked: its key is there, or it needs none.
    pub is_available: bool,
    /// The model answered when it was last asked.
    pub is_model_available: bool,
}

/// A change to what is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderChange {
    /// Another model.
    Add(ModelChoice),
    /// Something else under the same number.
    Update {
        /// Which.
        id: i64,
        /// What it is from now on.
        choice: ModelChoice,
    },
    /// One less.
    Delete {
        /// Which.
        id: i64,
    },
    /// Back to what the program brings along.
    Reset,
}
