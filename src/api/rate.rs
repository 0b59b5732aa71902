//! How many requests a client may make: by its address, or by the key it was given.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::time::Instant;

use super::access::Access;
use super::error::ApiError;
use crate::actors::handles::Handles;
use crate::domain::{ApiKey, Digest, Tier};

/// Clients whose rate is remembered before idle ones are forgotten.
const CLIENTS_MAX: usize = 16_384;
/// How long a key is believed to be as it was when the store was last asked; another process of
/// the network may have taken it away.
const BELIEVED: Duration = Duration::from_secs(5);

/// Whom a request is counted for.
#[derive(Debug, Clone)]
pub(super) struct Requester {
    address: Option<IpAddr>,
    key: Option<String>,
}

impl Requester {
    /// Who sent a request from `address`. Behind a proxy, all its clients without a key are one.
    pub(super) fn new(address: Option<IpAddr>, headers: &HeaderMap) -> Self {
        let key = headers.get("x-api-key").and_then(|value| value.to_str().ok());
        Self { address, key: key.filter(|key| !key.is_empty()).map(str::to_owned) }
    }
}

/// The rates of all clients; none is counted where there is no limit.
#[derive(Debug)]
pub(super) struct Rates {
    by_address: Option<ByAddress>,
    by_key: Mutex<HashMap<Digest, Arc<ByKey>>>,
    clock: DefaultClock,
}

#[derive(Debug)]
struct ByAddress {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    per_second: NonZeroU32,
}

/// The rate of one key.
#[derive(Debug)]
struct ByKey {
    seen: Mutex<Instant>,
    windows: [Window; 3],
}

#[derive(Debug)]
struct Window {
    name: &'static str,
    limit: u32,
    limiter: DefaultDirectRateLimiter,
}

impl Rates {
    /// Rates that allow `per_second` to an address without a key; without it, everything to all.
    pub(super) fn new(per_second: Option<NonZeroU32>) -> Self {
        let by_address = per_second.map(|per_second| ByAddress {
            limiter: RateLimiter::keyed(Quota::per_second(per_second)),
            per_second,
        });
        Self { by_address, by_key: Mutex::default(), clock: DefaultClock::default() }
    }

    /// Counts one request, or refuses it.
    pub(super) async fn count(
        &self,
        requester: &Requester,
        access: &Access,
        handles: &Handles,
    ) -> Result<(), ApiError> {
        let Some(by_address) = &self.by_address else { return Ok(()) };
        match &requester.key {
            // The admin key may come in the same header; it gives no rate.
            Some(key) if !access.is_admin_key(key) => {
                let digest = ApiKey::digest_of(key);
                let rate = match self.believed(&digest) {
                    Some(rate) => rate,
                    None => self.looked_up(requester, digest, by_address, handles).await?,
                };
                rate.count(&self.clock)
            }
            _ => self.count_address(requester, by_address),
        }
    }

    fn count_address(&self, requester: &Requester, by_address: &ByAddress) -> Result<(), ApiError> {
        let Some(address) = requester.address else { return Ok(()) };
        let ByAddress { limiter, per_second } = by_address;
        if limiter.len() > CLIENTS_MAX {
            limiter.retain_recent();
        }
        limiter.check_key(&network_of(address)).map_err(|too_soon| {
            exceeded(per_second.get(), "second", too_soon.wait_time_from(self.clock.now()))
        })
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<Digest, Arc<ByKey>>> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn believed(&self, digest: &Digest) -> Option<Arc<ByKey>> {
        self.keys().get(digest).filter(|rate| rate.age() < BELIEVED).cloned()
    }

    /// The rate of a key as the store knows it. Guessing keys costs the guesser's own rate.
    async fn looked_up(
        &self,
        requester: &Requester,
        digest: Digest,
        by_address: &ByAddress,
        handles: &Handles,
    ) -> Result<Arc<ByKey>, ApiError> {
        if !self.keys().contains_key(&digest) {
            self.count_address(requester, by_address)?;
        }
        let tier = handles.api_key_tier(digest).await?;
        let mut keys = self.keys();
        let Some(tier) = tier else {
            keys.remove(&digest);
            return Err(unknown_key());
        };
        if keys.len() > CLIENTS_MAX {
            keys.retain(|_, rate| rate.age() < Duration::from_hours(24));
        }
        let rate = keys.entry(digest).or_insert_with(|| Arc::new(ByKey::new(&tier)));
        rate.seen_now();
        Ok(Arc::clone(rate))
    }

    /// Asks the store again about every key: one was taken away.
    pub(super) fn forget_keys(&self) {
        for rate in self.keys().values() {
            rate.doubt();
        }
    }
}

impl ByKey {
    fn new(tier: &Tier) -> Self {
        let window = |name, span: Duration, limit: u32| {
            let requests = NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN);
            let pause = span / requests.get();
            let quota = Quota::with_period(pause.max(Duration::from_nanos(1)));
            let quota = quota.unwrap_or_else(|| Quota::per_second(requests));
            Window { name, limit, limiter: RateLimiter::direct(quota.allow_burst(requests)) }
        };
        let windows = [
            window("minute", Duration::from_mins(1), tier.per_minute),
            window("hour", Duration::from_hours(1), tier.per_hour),
            window("day", Duration::from_hours(24), tier.per_day),
        ];
        Self { seen: Mutex::new(Instant::now()), windows }
    }

    /// The shortest window first: what it refuses costs nothing of the longer ones.
    fn count(&self, clock: &DefaultClock) -> Result<(), ApiError> {
        for window in &self.windows {
            window.limiter.check().map_err(|too_soon| {
                exceeded(window.limit, window.name, too_soon.wait_time_from(clock.now()))
            })?;
        }
        Ok(())
    }

    fn age(&self) -> Duration {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    fn seen_now(&self) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn doubt(&self) {
        let long_ago = Instant::now().checked_sub(BELIEVED);
        if let Some(long_ago) = long_ago {
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = long_ago;
        }
    }
}

/// The words are those of GenLayer Studio, by which its clients know what happened.
fn exceeded(limit: u32, window: &str, wait: Duration) -> ApiError {
    let allowed = format!("{limit} requests per {window}");
    let message = format!("Rate limit exceeded: {allowed}");
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message)
        .valid(allowed)
        .retry_after(wait.as_secs().saturating_add(1))
}

fn unknown_key() -> ApiError {
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "api_key_unknown", "Invalid API key")
        .at("X-API-Key")
        .valid("a key that admin_createApiKey gave out and nobody took away, or no such header")
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
    fn each_window_of_a_key_refuses_for_itself() {
        let clock = DefaultClock::default();
        let tier =
            |per_minute, per_hour| Tier { name: "x".into(), per_minute, per_hour, per_day: 9 };
        for (tier, window) in
            [(tier(2, 9), "2 requests per minute"), (tier(9, 2), "2 requests per hour")]
        {
            let rate = ByKey::new(&tier);
            assert!(rate.count(&clock).is_ok() && rate.count(&clock).is_ok());
            let refused = rate.count(&clock).unwrap_err().to_string();
            assert!(refused.contains(window), "{refused}");
        }
        let largest = Tier { per_minute: u32::MAX, per_hour: 1, per_day: 1, name: "x".into() };
        assert!(ByKey::new(&largest).count(&clock).is_ok());
    }
}
