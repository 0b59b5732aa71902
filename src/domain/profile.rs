//! Whose rules the network runs.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Whose rules the network runs (protocol section 3, "Profiles").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// GenLayer as it is today: rotations, appeals and a finality window.
    #[default]
    Studio,
    /// The founding document's rules: one turn, the leader's vote is always AGREE, half of the
    /// committee rounded down is enough, and what is decided is final.
    Origin,
}

impl Profile {
    /// The name in the configuration and on every wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Studio => "studio",
            Self::Origin => "origin",
        }
    }

    /// How long decisions can be appealed where `wanted` was asked for: not at all where there
    /// are no appeals.
    pub const fn finality_window(self, wanted: Duration) -> Duration {
        match self {
            Self::Studio => wanted,
            Self::Origin => Duration::ZERO,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a profile; expected studio or origin")]
pub struct UnknownProfile(String);

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "studio" => Ok(Self::Studio),
            "origin" => Ok(Self::Origin),
            other => Err(UnknownProfile(other.chars().take(80).collect())),
        }
    }
}
