//! Every limit of the HTTP side, by name and unit.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::access::Access;
use super::error::ApiError;

/// Clients whose rate is remembered before idle ones are forgotten.
const CLIENTS_MAX: usize = 16_384;

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
    /// Health and metrics are exempt. The address is the connection's: behind a proxy, all its clients are one.
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
    rate: Option<Rate>,
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

struct Rate {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
    per_second: NonZeroU32,
}

impl std::fmt::Debug for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rate({} per second)", self.per_second)
    }
}

impl Limits {
    pub(super) fn new(settings: &ApiSettings) -> Self {
        let rate = settings.requests_per_second.map(|per_second| Rate {
            limiter: RateLimiter::keyed(Quota::per_second(per_second)),
            clock: DefaultClock::default(),
            per_second,
        });
        let submissions = Gate::new(settings.submissions_max);
        Self { submissions, streams: Gate::new(settings.streams_max), rate }
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

    /// Counts one request of a client, or refuses it.
    pub(super) fn request(&self, client: Option<IpAddr>) -> Result<(), ApiError> {
        let (Some(rate), Some(client)) = (&self.rate, client) else { return Ok(()) };
        if rate.limiter.len() > CLIENTS_MAX {
            rate.limiter.retain_recent();
        }
        rate.limiter.check_key(&network_of(client)).map_err(|too_soon| {
            let wait = too_soon.wait_time_from(rate.clock.now());
            let message = format!("more than {} requests in a second", rate.per_second);
            let status = actix_web::http::StatusCode::TOO_MANY_REQUESTS;
            ApiError::new(status, "rate_limited", message)
                .valid(format!("{} requests per second", rate.per_second))
                .retry_after(wait.as_secs().saturating_add(1))
        })
    }
}

/// Who counts as one client: an IPv4 address, or the 64-bit network of an IPv6 address.
fn network_of(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_an_address_or_a_network_of_64_bits() {
        let network = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(network("2001:db8::1:2:3:4"), network("2001:db8::ffff"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:10.0.0.1"), network("10.0.0.1"));
    }

    #[test]
    fn a_gate_lets_in_as_many_as_its_limit() {
        let limits = Limits::new(&ApiSettings { submissions_max: 1, ..ApiSettings::default() });
        let held = limits.submission().unwrap();
        assert!(limits.submission().is_err());
        drop(held);
        assert!(limits.submission().is_ok());
    }
}
