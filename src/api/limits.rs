//! Every limit of the HTTP side, by name and unit.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::access::Access;
use super::error::ApiError;

/// Settings of the HTTP side. The command line validates them once, before anything starts.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// Who may do what.
    pub access: Access,
    /// Web origins whose pages may use the API, such as `http://localhost:3000`; `*` is all.
    pub cors_origins: Vec<String>,
    /// Bytes of a request's body, at most.
    pub body_bytes_max: usize,
    /// Elapsed time in which a body must have arrived.
    pub body_timeout: Duration,
    /// Bytes of a snapshot's file that is sent, at most; it is kept on disk meanwhile.
    pub snapshot_bytes_max: u64,
    /// Items of one page, at most.
    pub page_max: usize,
    /// Levels of nesting in a JSON body, at most; more than 126 counts as 126.
    pub json_depth_max: usize,
    /// Requests per second and client address (an IPv6 network of 64 bits is one client), with
    /// one second's worth as a burst; `None` is no limit. Each frame of a WebSocket is a request.
    /// Health and metrics are exempt. The address is the connection's: behind a proxy, all its
    /// clients are one. Who sends a key that was given out has the rate of its tier instead.
    pub requests_per_second: Option<NonZeroU32>,
    /// Submissions that wait for the store at the same time.
    pub submissions_max: usize,
    /// Event streams and waiting reads that are open at the same time.
    pub streams_max: usize,
    /// How long a read may wait for a status.
    pub wait_max: Duration,
    /// Pause between the comments that keep an idle event stream alive.
    pub stream_keep_alive: Duration,
    /// Connections of one worker that are open at the same time; more wait to be accepted.
    pub connections_max: usize,
    /// How long a connection is kept between requests.
    pub keep_alive: Duration,
    /// Elapsed time in which a request's head must have arrived.
    pub head_timeout: Duration,
    /// How long running requests may take when the server stops, in seconds.
    pub shutdown_timeout_secs: u64,
    /// Threads that serve HTTP.
    pub workers: usize,
    /// What else `/health` tells: the sandbox, the database, ….
    pub details: Details,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            access: Access::Open,
            cors_origins: Vec::new(),
            body_bytes_max: 2 * 1024 * 1024,
            body_timeout: Duration::from_secs(30),
            snapshot_bytes_max: 1 << 30,
            page_max: 100,
            json_depth_max: 126,
            requests_per_second: None,
            submissions_max: 1_024,
            streams_max: 1_024,
            wait_max: Duration::from_mins(1),
            stream_keep_alive: Duration::from_secs(15),
            connections_max: 2_048,
            keep_alive: Duration::from_secs(75),
            head_timeout: Duration::from_secs(10),
            shutdown_timeout_secs: 5,
            workers: 2,
            details: Details::new(|| json!({})),
        }
    }
}

/// Something that `/health` asks anew every time, because it changes while the server runs.
#[derive(Clone)]
pub struct Details(Arc<dyn Fn() -> serde_json::Value + Send + Sync>);

impl Details {
    /// Details that `ask` answers.
    pub fn new(ask: impl Fn() -> serde_json::Value + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }

    /// The present answer.
    pub fn now(&self) -> serde_json::Value {
        (self.0)()
    }
}

impl std::fmt::Debug for Details {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Details(..)")
    }
}

/// The counters behind the limits, shared by all workers.
#[derive(Debug)]
pub(super) struct Limits {
    submissions: Gate,
    streams: Gate,
}

/// A counted set of permits.
#[derive(Debug)]
struct Gate {
    permits: Arc<Semaphore>,
    limit: usize,
}

impl Gate {
    fn new(limit: usize) -> Self {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        Self { permits: Arc::new(Semaphore::new(limit)), limit }
    }

    fn enter(&self, code: &'static str, what: &str) -> Result<OwnedSemaphorePermit, ApiError> {
        Arc::clone(&self.permits)
            .try_acquire_owned()
            .ok()
            .ok_or_else(|| ApiError::busy(code, format!("{} {what} are open already", self.limit)))
    }

    fn usage(&self) -> (usize, usize) {
        (self.limit.saturating_sub(self.permits.available_permits()), self.limit)
    }
}

impl Limits {
    pub(super) fn new(settings: &ApiSettings) -> Self {
        let submissions = Gate::new(settings.submissions_max);
        Self { submissions, streams: Gate::new(settings.streams_max) }
    }

    /// The right to hand one submission to the store.
    pub(super) fn submission(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        self.submissions.enter("too_many_submissions", "submissions")
    }

    /// The right to keep one stream or waiting read open.
    pub(super) fn stream(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        self.streams.enter("too_many_streams", "streams and waiting reads")
    }

    /// Name, use and limit of each.
    pub(super) fn usage(&self) -> [(&'static str, usize, usize); 2] {
        let (submissions, submissions_max) = self.submissions.usage();
        let (streams, streams_max) = self.streams.usage();
        [("submissions", submissions, submissions_max), ("streams", streams, streams_max)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_lets_in_as_many_as_its_limit() {
        let limits = Limits::new(&ApiSettings { submissions_max: 1, ..ApiSettings::default() });
        let held = limits.submission().unwrap();
        assert!(limits.submission().is_err());
        drop(held);
        assert!(limits.submission().is_ok());
    }
}
