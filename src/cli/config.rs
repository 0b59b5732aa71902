//! Settings of `agora serve`: flags over environment over file over defaults, validated once.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::domain::{Digest, Profile, keccak256};

/// The file that is read when none is named, if it exists.
const DEFAULT_FILE: &str = "agora.toml";

/// What must not be shown.
const MASK: &str = "(set, not shown)";

macro_rules! options {
    ($( $(#[doc = $doc:literal])+ $name:ident: $type:ty, $env:literal $(, $arg:meta)*; )+) => {
        /// One source of settings; what is absent is left to the next one.
        ///
        /// The same names are flags (with dashes), keys of the file, and, as given, variables.
        #[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Options {
            $(
                $(#[doc = $doc])+
                #[arg(long, env = $env $(, $arg)*)]
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $name: Option<$type>,
            )+
        }

        impl Options {
            /// These options, with those of `other` where these say nothing.
            #[must_use]
            pub fn or(self, other: Self) -> Self {
                Self { $( $name: self.$name.or(other.$name), )+ }
            }

            /// Name, environment variable and description of every option.
            pub fn table() -> Vec<(&'static str, &'static str, String)> {
                vec![ $( (stringify!($name), $env, [$($doc.trim()),+].join(" ")), )+ ]
            }
        }
    };
}

options! {
    /// Address to listen on. Any other than loopback needs --admin-key or --open.
    host: IpAddr, "AGORA_HOST";
    /// Port to listen on; 0 takes a free one.
    port: u16, "AGORA_PORT";
    /// Folder of the embedded database.
    data_dir: PathBuf, "AGORA_DATA_DIR", value_name = "DIR";
    /// PostgreSQL to use instead of the embedded database, as `postgres://user:password@host/name`.
    database_url: String, "DATABASE_URL", value_name = "URL", hide_env_values = true;
    /// Anything; accounts, validators, draws and everything else random derive from it.
    seed: String, "AGORA_SEED", value_name = "TEXT";
    /// Chain id that clients see; part of every transaction's hash.
    chain_id: u64, "AGORA_CHAIN_ID";
    /// Validators of the first start.
    validators: u16, "AGORA_VALIDATORS", value_name = "COUNT";
    /// Accounts with money of the first start.
    accounts: u16, "AGORA_ACCOUNTS", value_name = "COUNT";
    /// Coins in each of them.
    account_coins: u64, "AGORA_ACCOUNT_COINS", value_name = "COINS";
    /// Key of administrative calls (16 characters or more); with it submissions must be signed.
    admin_key: String, "AGORA_ADMIN_KEY", value_name = "KEY", hide_env_values = true;
    /// Let everybody who reaches the server do everything.
    open: bool, "AGORA_OPEN", num_args = 0..=1, default_missing_value = "true";
    /// Web pages of these origins may call the API; `*` for all. May be given several times.
    cors_origins: Vec<String>, "AGORA_CORS_ORIGINS", value_delimiter = ',', value_name = "ORIGIN";
    /// Largest request body, in bytes.
    body_bytes_max: usize, "AGORA_BODY_BYTES_MAX", value_name = "BYTES";
    /// Requests per second from one address; no limit when absent.
    requests_per_second: NonZeroU32, "AGORA_REQUESTS_PER_SECOND", value_name = "COUNT";
    /// Submissions that are stored at the same time; more are answered 503.
    submissions_max: usize, "AGORA_SUBMISSIONS_MAX", value_name = "COUNT";
    /// Threads that answer HTTP.
    http_workers: usize, "AGORA_HTTP_WORKERS", value_name = "COUNT";
    /// Whose rules the network runs: `studio` (GenLayer as it is today) or `origin` (the founding
    /// document's: one turn, half of the votes, no appeals).
    profile: Profile, "AGORA_PROFILE", value_name = "NAME";
    /// Time in which a decision can be appealed, in seconds; for the first start, after which the
    /// API changes it.
    finality_window: f64, "AGORA_FINALITY_WINDOW", value_name = "SECONDS";
    /// Time of a leader's execution, in seconds.
    leader_timeout: f64, "AGORA_LEADER_TIMEOUT", value_name = "SECONDS";
    /// Time of a validator's execution, in seconds.
    validator_timeout: f64, "AGORA_VALIDATOR_TIMEOUT", value_name = "SECONDS";
    /// Time of a read-only call, in seconds.
    read_timeout: f64, "AGORA_READ_TIMEOUT", value_name = "SECONDS";
    /// Decide as soon as no outstanding vote can change the outcome.
    early_quorum: bool, "AGORA_EARLY_QUORUM", num_args = 0..=1, default_missing_value = "true";
    /// Mint what the caller of a payable method lacks, instead of refusing the call; on unless
    /// the network is guarded by a key.
    sandbox_mint: bool, "AGORA_SANDBOX_MINT", num_args = 0..=1, default_missing_value = "true";
    /// Crashes of one transaction before it is given up.
    attempts_max: u32, "AGORA_ATTEMPTS_MAX", value_name = "COUNT";
    /// Transactions one queue holds in memory; the rest wait in the database.
    queue_depth_max: usize, "AGORA_QUEUE_DEPTH_MAX", value_name = "COUNT";
    /// Consensus rounds that run at the same time; four for each contract worker when absent.
    consensus_max: usize, "AGORA_CONSENSUS_MAX", value_name = "COUNT";
    /// Processes that run contracts.
    contract_workers: usize, "AGORA_CONTRACT_WORKERS", value_name = "COUNT";
    /// Memory of one contract execution, in MiB.
    contract_memory: u64, "AGORA_CONTRACT_MEMORY", value_name = "MIB";
    /// Refuse to run contracts where a lock of the sandbox is missing.
    require_sandbox: bool, "AGORA_REQUIRE_SANDBOX", num_args = 0..=1, default_missing_value = "true";
    /// Model that contracts ask, as PROVIDER/MODEL, such as openai/gpt-4o; without one, and with
    /// `simulated`, answers are invented in the form the prompt wants, and no key is needed.
    model: String, "AGORA_MODEL", value_name = "MODEL";
    /// Model that is asked when the first gives no answer.
    model_fallback: String, "AGORA_MODEL_FALLBACK", value_name = "MODEL";
    /// JSON file with the models of single validators, for those that have none stored
    /// (`PUT /v1/validators/{address}`).
    models_file: PathBuf, "AGORA_MODELS_FILE", value_name = "FILE";
    /// Probability with which a simulated model is of another opinion than the others.
    model_disagreement: f64, "AGORA_MODEL_DISAGREEMENT", value_name = "PROBABILITY";
    /// File with the providers' keys (KEY=VALUE lines or TOML), besides those in the environment.
    secrets_file: PathBuf, "AGORA_SECRETS_FILE", value_name = "FILE";
    /// JSON file with made-up answers of models and the web.
    mocks: PathBuf, "AGORA_MOCKS", value_name = "FILE";
    /// Hosts and networks (CIDR) that contracts may reach although they are private. May be given
    /// several times.
    web_allow: Vec<String>, "AGORA_WEB_ALLOW", value_delimiter = ',', value_name = "HOST";
    /// Chromium or Chrome, which renders pages; looked for in PATH when absent.
    browser: PathBuf, "AGORA_BROWSER", value_name = "PROGRAM";
    /// File into which every exchange with models and the web is recorded.
    record: PathBuf, "AGORA_RECORD", value_name = "FILE";
    /// Recording from which all answers of models and the web are taken.
    replay: PathBuf, "AGORA_REPLAY", value_name = "FILE";
    /// Time that running work gets at shutdown, in seconds.
    shutdown_timeout: f64, "AGORA_SHUTDOWN_TIMEOUT", value_name = "SECONDS";
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file `{path}`: {source}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not valid.
    #[error("the configuration file `{path}` is not valid: {reason}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What and where.
        reason: String,
    },
    /// A value is out of range.
    #[error("`{name} = {value}` cannot be used: {valid}")]
    Invalid {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// What is valid.
        valid: &'static str,
    },
    /// The server would be open to others by accident.
    #[error(
        "`host = {host}` lets other machines reach this server: set --admin-key (AGORA_ADMIN_KEY), \
         so that submissions must be signed and administration needs the key, or --open \
         (AGORA_OPEN=true), so that everybody may do everything, or listen on 127.0.0.1"
    )]
    Exposed {
        /// The address.
        host: IpAddr,
    },
}

/// Who may do what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Everybody everything.
    Open,
    /// Submissions must be signed; administration needs this key.
    Guarded(String),
}

/// Valid settings, complete.
#[derive(Debug, Clone)]
pub struct Config {
    /// Everything as given, for display.
    pub given: Options,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Folder of the embedded database.
    pub data_dir: PathBuf,
    /// PostgreSQL, when used.
    pub database_url: Option<String>,
    /// The network's seed.
    pub seed: Digest,
    /// The network's chain id.
    pub chain_id: u64,
    /// Validators of the first start.
    pub validators: u16,
    /// Accounts of the first start.
    pub accounts: u16,
    /// Coins in each.
    pub account_coins: u64,
    /// Who may do what.
    pub access: Access,
    /// Durations.
    pub times: Times,
}

/// Every duration of the settings.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Time in which a decision can be appealed.
    pub finality_window: Duration,
    /// Time of a leader's execution.
    pub leader: Duration,
    /// Time of a validator's execution.
    pub validator: Duration,
    /// Time of a read-only call.
    pub read: Duration,
    /// Time that running work gets at shutdown.
    pub shutdown: Duration,
}

/// Reads the file named, or the default one if it exists.
pub fn read_file(named: Option<&Path>) -> Result<Options, ConfigError> {
    let path = named.unwrap_or_else(|| Path::new(DEFAULT_FILE));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Options::default());
        }
        Err(source) => return Err(ConfigError::Unreadable { path: path.to_owned(), source }),
    };
    toml::from_str(&text).map_err(|error| ConfigError::Malformed {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

impl Config {
    /// Checks options and fills in defaults.
    pub fn new(given: Options) -> Result<Self, ConfigError> {
        let host = given.host.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let access = access(&given, host)?;
        check_range("validators", given.validators, 1..=1_000, "expected 1 to 1000")?;
        check_range("accounts", given.accounts, 0..=1_000, "expected 0 to 1000")?;
        check_range("contract_workers", given.contract_workers, 1..=256, "expected 1 to 256")?;
        check_range(
            "contract_memory",
            given.contract_memory,
            64..=65_536,
            "expected 64 to 65536 MiB",
        )?;
        check_range(
            "queue_depth_max",
            given.queue_depth_max,
            1..=1 << 20,
            "expected 1 to 1048576",
        )?;
        check_range("consensus_max", given.consensus_max, 1..=1 << 16, "expected 1 to 65536")?;
        check_range("attempts_max", given.attempts_max, 1..=1_000, "expected 1 to 1000")?;
        check_range("model_disagreement", given.model_disagreement, 0.0..=1.0, "expected 0 to 1")?;
        check_range("http_workers", given.http_workers, 1..=1_024, "expected 1 to 1024")?;
        check_range(
            "submissions_max",
            given.submissions_max,
            1..=1 << 20,
            "expected 1 to 1048576",
        )?;
        let bytes = 1_024..=1 << 30;
        check_range("body_bytes_max", given.body_bytes_max, bytes, "expected 1024 to 1073741824")?;
        let times = Times {
            finality_window: seconds("finality_window", given.finality_window, 30.0, 0.0)?,
            leader: seconds("leader_timeout", given.leader_timeout, 60.0, 0.1)?,
            validator: seconds("validator_timeout", given.validator_timeout, 60.0, 0.1)?,
            read: seconds("read_timeout", given.read_timeout, 20.0, 0.1)?,
            shutdown: seconds("shutdown_timeout", given.shutdown_timeout, 30.0, 0.0)?,
        };
        let seed = given.seed.as_deref().unwrap_or("agora");
        Ok(Self {
            listen: SocketAddr::new(host, given.port.unwrap_or(4_000)),
            data_dir: given.data_dir.clone().unwrap_or_else(|| PathBuf::from("agora-data")),
            database_url: given.database_url.clone(),
            seed: keccak256(&[b"agora:seed", seed.as_bytes()]),
            chain_id: given.chain_id.unwrap_or(61_127),
            validators: given.validators.unwrap_or(5),
            accounts: given.accounts.unwrap_or(10),
            account_coins: given.account_coins.unwrap_or(10_000),
            access,
            times,
            given,
        })
    }

    /// The settings as they were given, with secrets masked.
    pub fn shown(&self) -> Options {
        let mut shown = self.given.clone();
        for secret in [&mut shown.admin_key, &mut shown.database_url] {
            if secret.is_some() {
                *secret = Some(MASK.to_owned());
            }
        }
        shown
    }
}

fn access(given: &Options, host: IpAddr) -> Result<Access, ConfigError> {
    match (&given.admin_key, given.open.unwrap_or(false)) {
        (_, true) => Ok(Access::Open),
        (Some(key), false) if key.chars().count() < 16 => Err(ConfigError::Invalid {
            name: "admin_key",
            value: MASK.to_owned(),
            valid: "expected 16 characters or more",
        }),
        (Some(key), false) => Ok(Access::Guarded(key.clone())),
        (None, false) if host.is_loopback() => Ok(Access::Open),
        (None, false) => Err(ConfigError::Exposed { host }),
    }
}

fn check_range<T: PartialOrd + ToString>(
    name: &'static str,
    value: Option<T>,
    range: std::ops::RangeInclusive<T>,
    valid: &'static str,
) -> Result<(), ConfigError> {
    match value {
        Some(value) if !range.contains(&value) => {
            Err(ConfigError::Invalid { name, value: value.to_string(), valid })
        }
        _ => Ok(()),
    }
}

fn seconds(
    name: &'static str,
    given: Option<f64>,
    default: f64,
    least: f64,
) -> Result<Duration, ConfigError> {
    let value = given.unwrap_or(default);
    // A year is long enough for anything, and far from overflowing any clock.
    let most = 31_536_000.0;
    Some(value)
        .filter(|value| (least..=most).contains(value))
        .and_then(|value| Duration::try_from_secs_f64(value).ok())
        .ok_or_else(|| ConfigError::Invalid {
            name,
            value: value.to_string(),
            valid: "expected seconds, at most 31536000, and not below the least (0, or 0.1 for timeouts)",
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Options {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn the_first_source_that_says_something_wins() {
        let options = parse("port = 1").or(parse("port = 2\nseed = \"x\""));
        assert_eq!((options.port, options.seed.as_deref()), (Some(1), Some("x")));
    }

    #[test]
    fn the_defaults_are_open_on_loopback() {
        let config = Config::new(Options::default()).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:4000");
        assert_eq!(config.access, Access::Open);
    }

    #[test]
    fn another_address_needs_a_key_or_an_explicit_word() {
        let host = "host = \"0.0.0.0\"\n";
        let refused = Config::new(parse(host)).unwrap_err().to_string();
        assert!(refused.contains("--admin-key") && refused.contains("--open"), "{refused}");
        let key = "admin_key = \"0123456789abcdef\"";
        let guarded = Config::new(parse(&format!("{host}{key}"))).unwrap();
        assert_eq!(guarded.access, Access::Guarded("0123456789abcdef".into()));
        assert_eq!(Config::new(parse(&format!("{host}open = true"))).unwrap().access, Access::Open);
    }

    #[test]
    fn values_out_of_range_are_named_with_what_is_valid() {
        for (text, name) in [
            ("validators = 0", "validators"),
            ("validators = 1001", "validators"),
            ("finality_window = -1.0", "finality_window"),
            ("finality_window = nan", "finality_window"),
            ("finality_window = inf", "finality_window"),
            ("leader_timeout = 0.0", "leader_timeout"),
            ("contract_memory = 1", "contract_memory"),
            ("body_bytes_max = 10", "body_bytes_max"),
            ("admin_key = \"short\"", "admin_key"),
        ] {
            let refused = Config::new(parse(text)).unwrap_err().to_string();
            assert!(refused.contains(name) && refused.contains("expected"), "{text}: {refused}");
        }
    }

    #[test]
    fn an_unknown_key_in_the_file_is_an_error_that_names_it() {
        let error = toml::from_str::<Options>("prot = 4000").unwrap_err().to_string();
        assert!(error.contains("prot"), "{error}");
    }

    #[test]
    fn secrets_are_masked() {
        let secret = "0123456789abcdef";
        let text =
            format!("admin_key = \"{secret}\"\ndatabase_url = \"postgres://u:{secret}@h/d\"");
        let shown = toml::to_string(&Config::new(parse(&text)).unwrap().shown()).unwrap();
        assert!(!shown.contains(secret), "{shown}");
    }

    #[test]
    fn the_readme_lists_every_setting() {
        let readme = include_str!("../../README.md");
        for (name, variable, _) in Options::table() {
            assert!(readme.contains(&format!("`{name}`")), "{name} is missing in the README");
            assert!(readme.contains(variable), "{variable} is missing in the README");
        }
    }
}
