//! `agora serve`: opens the database, starts the network and the server, and ends in order.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::banner::banner;
use super::config::{Access, Config};
use super::services::Sources;
use super::{CliError, EXIT_FAILURE, EXIT_OK, EXIT_RESTART, ServeArguments, say};
use crate::actors::clock::NetworkClock;
use crate::actors::settings::NetworkSettings;
use crate::actors::store::{Database, DatabaseOptions, open_network};
use crate::actors::system::{Network, block_on};
use crate::api::{self, ApiSettings, Details};
use crate::domain::ledger::Genesis;
use crate::domain::{Amount, Clock, ClockReading, DerivedKey, KeyUse, Profile, Stake, Validator};
use crate::execution::nondeterminism::Services;
use crate::execution::python::{PythonExecutor, PythonSettings};

/// Stake of each validator of the first start.
const FIRST_STAKE: u64 = 100;

pub(super) fn serve(arguments: ServeArguments) -> Result<u8, CliError> {
    start_log(arguments.verbose);
    let config = arguments.config()?;
    let listener = TcpListener::bind(config.listen)
        .map_err(|error| format!("cannot listen on {}: {error}", config.listen))?;
    let url = match &config.database_url {
        Some(url) => url.clone(),
        None => sqlite_path(&config.data_dir)?,
    };
    let database = Database::open(&url, DatabaseOptions::default())?;
    block_on(run(config, listener, database))
}

fn start_log(verbose: u8) {
    let level = match verbose {
        0 => "info",
        1 => "info,agora=debug",
        _ => "debug,agora=trace",
    };
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(level)).init();
}

/// The database file in the data folder, which is created if need be.
pub(super) fn sqlite_path(folder: &Path) -> Result<String, CliError> {
    std::fs::create_dir_all(folder).map_err(|error| {
        format!("cannot create the data folder `{}`: {error}", folder.display())
    })?;
    Ok(folder.join("agora.sqlite").display().to_string())
}

async fn run(config: Config, listener: TcpListener, database: Database) -> Result<u8, CliError> {
    let clock = NetworkClock::start();
    let settings = settings(&config);
    let genesis = genesis(&config, &settings, &clock);
    let (network, recovered) = open_network(&database, &genesis, settings.attempts_max, &clock)?;
    check_same_network(&config, network.chain_id)?;
    say_what_was_kept(&config, network.finality_window, clock.reading());
    if !recovered.is_empty() {
        log::warn!(target: "system", "{} transactions were in flight at the last stop; they run again", recovered.len());
    }
    let settings = NetworkSettings { seed: network.seed, ..settings };
    let executor = PythonExecutor::start(python_settings(&config)?, services(&config)?)?;
    let sandbox = executor.clone();
    let network = Network::start(settings, database, Arc::new(executor), clock).await?;
    let handles = network.handles();
    let listen = listener.local_addr()?;
    let mut api_settings = api_settings(&config);
    api_settings.details =
        Details::new(move || serde_json::json!({ "sandbox": sandbox.sandbox_report() }));
    let server = api::start(listener, handles.clone(), api_settings)?;
    let http = server.handle();
    let serving = tokio::task::spawn_local(server);
    let data = match &config.database_url {
        Some(_) => "PostgreSQL (DATABASE_URL)".to_owned(),
        None => config.data_dir.display().to_string(),
    };
    say(banner(&config, listen, &data, &handles.settings().seed));

    let why = tokio::select! {
        biased;
        signal = stop_signal() => Ok(signal),
        broken = network.broken() => Err(broken),
        ended = serving => Err(format!("the HTTP server ended: {ended:?}")),
    };
    let code = match &why {
        Ok(signal) => {
            log::info!(target: "system", "{signal}: finishing what runs");
            EXIT_OK
        }
        Err(broken) => {
            log::error!(target: "system", "{broken}");
            EXIT_RESTART
        }
    };
    tokio::select! {
        biased;
        finished = shut_down(http, network, config.times.shutdown) => Ok(if finished { code } else { code.max(EXIT_FAILURE) }),
        signal = stop_signal() => Err(format!("{signal} again: stopped at once; what was running starts again next time").into()),
    }
}

/// Requests first, then the network they ask; each has the time that is set.
async fn shut_down(http: api::ServerHandle, network: Network, deadline: Duration) -> bool {
    let requests = tokio::time::timeout(deadline, http.stop(true)).await;
    if requests.is_err() {
        http.stop(false).await;
    }
    let finished = network.shut_down(deadline).await;
    if !finished {
        log::warn!(target: "system", "some transactions were still running; they run again next time");
    }
    finished
}

/// Ends at the first SIGINT or SIGTERM, with its name.
async fn stop_signal() -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
        // Without handlers the signals end the process by themselves.
        return std::future::pending().await;
    };
    tokio::select! {
        biased;
        _ = interrupt.recv() => "interrupted",
        _ = terminate.recv() => "terminated",
    }
}

fn genesis(config: &Config, settings: &NetworkSettings, clock: &NetworkClock) -> Genesis {
    let address = |usage, number| DerivedKey::derive(&config.seed, usage, number).address();
    let stake = Stake::try_from(FIRST_STAKE);
    let mut validators: Vec<Validator> = (0..u64::from(config.validators))
        .filter_map(|number| {
            Some(Validator { address: address(KeyUse::Validator, number), stake: stake.ok()? })
        })
        .collect();
    validators.sort_by_key(|validator| validator.address);
    let coins = Amount::coins(config.account_coins);
    let accounts = (0..u64::from(config.accounts))
        .map(|number| (address(KeyUse::Account, number), coins))
        .collect();
    Genesis {
        seed: config.seed,
        chain_id: config.chain_id,
        validators,
        accounts,
        profile: settings.profile,
        finality_window: settings.finality_window,
        at: clock.now(),
    }
}

/// Tells of what an earlier run left that the settings of this one do not show.
fn say_what_was_kept(config: &Config, window: Duration, clock: ClockReading) {
    // The window is the network's and not this process': others may run with it.
    let asked = config.times.finality_window;
    if config.given.finality_window.is_some() && asked.as_millis() != window.as_millis() {
        let why = match config.given.profile.unwrap_or_default() {
            Profile::Origin => "profile origin has no finality window".to_owned(),
            Profile::Studio => format!(
                "it is for a network's first start, and this one has {} s; \
                 PUT /v1/network/finality-window changes it",
                window.as_secs_f64()
            ),
        };
        log::warn!(target: "system", "`finality_window = {}` is not used: {why}", asked.as_secs_f64());
    }
    let ahead_ms = clock.now.as_millis().saturating_sub(clock.wall.as_millis());
    if clock.frozen {
        log::warn!(target: "system", "the network's clock is frozen at {}; POST /v1/clock/release lets it go", clock.now.as_millis());
    } else if ahead_ms != 0 {
        log::info!(target: "system", "the network's clock is {ahead_ms} ms ahead of the wall");
    }
}

/// The network in the database keeps its seed and chain id; asking for others is a mistake.
fn check_same_network(config: &Config, stored_chain_id: u64) -> Result<(), CliError> {
    match config.given.chain_id {
        Some(asked) if asked != stored_chain_id => Err(format!(
            "`chain_id = {asked}` does not fit: the database holds the network {stored_chain_id}; \
             leave it out, or use another data folder"
        )
        .into()),
        _ => Ok(()),
    }
}

fn settings(config: &Config) -> NetworkSettings {
    let mut settings = NetworkSettings::new(config.chain_id, config.seed);
    let given = &config.given;
    settings.owner = format!("{}-{}", std::process::id(), settings_nonce());
    settings.timeouts.leader = config.times.leader;
    settings.timeouts.validators = config.times.validator;
    settings.read_timeout = config.times.read;
    settings.finality_window = config.times.finality_window;
    settings.profile = given.profile.unwrap_or_default();
    settings.early_quorum = given.early_quorum.unwrap_or(settings.early_quorum);
    // On a guarded network a call must not create the money it spends.
    settings.sandbox_mint = given.sandbox_mint.unwrap_or(config.access == Access::Open);
    settings.attempts_max = given.attempts_max.unwrap_or(settings.attempts_max);
    settings.queue_depth_max = given.queue_depth_max.unwrap_or(settings.queue_depth_max);
    // Rounds wait for their turn before their deadlines run, and executions after: as many rounds
    // as the workers can serve in time.
    let workers = PythonSettings::new(std::path::PathBuf::new()).workers_max;
    let workers = given.contract_workers.unwrap_or(workers);
    settings.consensus_max = given.consensus_max.unwrap_or(workers.saturating_mul(4));
    settings
}

/// Tells processes with one process id on different machines apart; wall time is as good as any.
fn settings_nonce() -> i64 {
    NetworkClock::start().now().as_millis()
}

fn python_settings(config: &Config) -> Result<PythonSettings, CliError> {
    let mut settings = PythonSettings::new(std::env::current_exe()?);
    let given = &config.given;
    settings.workers_max = given.contract_workers.unwrap_or(settings.workers_max);
    if let Some(mebibytes) = given.contract_memory {
        settings.memory_limit_bytes = mebibytes << 20;
    }
    settings.require_sandbox = given.require_sandbox.unwrap_or(false);
    Ok(settings)
}

fn services(config: &Config) -> Result<Services, CliError> {
    let given = &config.given;
    Sources {
        model: given.model.as_deref(),
        model_fallback: given.model_fallback.as_deref(),
        models_file: given.models_file.as_deref(),
        model_disagreement: given.model_disagreement,
        secrets_file: given.secrets_file.as_deref(),
        mocks: given.mocks.as_deref(),
        web_allow: given.web_allow.as_deref().unwrap_or_default(),
        browser: given.browser.as_deref(),
        record: given.record.as_deref(),
        replay: given.replay.as_deref(),
    }
    .open()
}

fn api_settings(config: &Config) -> ApiSettings {
    let given = &config.given;
    let access = match &config.access {
        Access::Open => api::Access::Open,
        Access::Guarded(key) => api::Access::Guarded { admin_key: key.clone() },
    };
    let mut settings = ApiSettings { access, ..ApiSettings::default() };
    if let Some(origins) = &given.cors_origins {
        settings.cors_origins.clone_from(origins);
    }
    settings.body_bytes_max = given.body_bytes_max.unwrap_or(settings.body_bytes_max);
    settings.requests_per_second = given.requests_per_second;
    settings.submissions_max = given.submissions_max.unwrap_or(settings.submissions_max);
    settings.workers = given.http_workers.unwrap_or(settings.workers);
    settings
}
