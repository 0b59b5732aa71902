//! What JSON-RPC remembers between calls: filters, and when the chain last grew.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::RngExt;
use serde::Serialize;
use serde_json::Value as Json;
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::methods::Watched;

/// Filters that are kept at the same time; the one that was asked for longest ago makes room.
const FILTERS_MAX: usize = 1_000;
/// The chain grows at least this often while somebody waits for it.
const BLOCK_INTERVAL: Duration = Duration::from_secs(1);
/// Announcements that a slow follower may be behind.
const ANNOUNCEMENTS_MAX: usize = 64;

/// What JSON-RPC remembers between calls; one for all workers.
#[derive(Debug)]
pub(in crate::api) struct RpcState {
    pub(in crate::api) filters: Filters,
    pub(in crate::api) growth: Growth,
    announcements: broadcast::Sender<Announcement>,
}

/// Something that every follower hears of, and that is no event of the network.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::api) struct Announcement {
    pub(in crate::api) name: &'static str,
    pub(in crate::api) data: Json,
}

impl RpcState {
    pub(in crate::api) fn new() -> Self {
        let (announcements, _) = broadcast::channel(ANNOUNCEMENTS_MAX);
        Self { filters: Filters::default(), growth: Growth::default(), announcements }
    }

    /// Tells every follower.
    pub(in crate::api) fn announce(&self, name: &'static str, data: Json) {
        // Nobody need be listening.
        let _receivers = self.announcements.send(Announcement { name, data });
    }

    /// Follows announcements from now on.
    pub(in crate::api) fn announcements(&self) -> broadcast::Receiver<Announcement> {
        self.announcements.subscribe()
    }
}

/// The name of a filter. It is drawn, so that nobody guesses those of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::api) struct FilterName(pub(super) u128);

impl std::fmt::Display for FilterName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl Serialize for FilterName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Filters by name.
#[derive(Debug, Default)]
pub(in crate::api) struct Filters(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    used: u64,
    filters: BTreeMap<FilterName, (Filter, u64)>,
}

/// A filter, which whoever asks for it shares.
#[derive(Debug, Clone)]
pub(in crate::api) struct Filter {
    pub(super) watched: Arc<Watched>,
    /// The last block whose news were told. Who reads what is new holds it meanwhile.
    pub(super) seen: Arc<tokio::sync::Mutex<u64>>,
}

impl Filters {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a filter that has heard of all up to `head`; answers with its name.
    pub(super) fn add(&self, watched: Watched, head: u64) -> FilterName {
        let mut kept = self.lock();
        if kept.filters.len() >= FILTERS_MAX {
            let oldest = kept.filters.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(name, _)| *name) {
                kept.filters.remove(&oldest);
            }
        }
        kept.used += 1;
        let (name, used) = (FilterName(rand::rng().random()), kept.used);
        let seen = Arc::new(tokio::sync::Mutex::new(head));
        kept.filters.insert(name, (Filter { watched: Arc::new(watched), seen }, used));
        name
    }

    /// The filter of a name, which counts as asked for.
    pub(super) fn find(&self, name: FilterName) -> Option<Filter> {
        let mut kept = self.lock();
        kept.used += 1;
        let now = kept.used;
        let (filter, used) = kept.filters.get_mut(&name)?;
        *used = now;
        Some(filter.clone())
    }

    /// Forgets a filter; answers whether there was one.
    pub(super) fn remove(&self, name: FilterName) -> bool {
        self.lock().filters.remove(&name).is_some()
    }
}

/// When the chain was last seen to grow.
#[derive(Debug, Default)]
pub(in crate::api) struct Growth(Mutex<Option<(u64, Instant)>>);

impl Growth {
    /// Has the chain stood at `head` for so long that it should grow? Says so once.
    pub(in crate::api) fn is_overdue(&self, head: u64, now: Instant) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *seen {
            Some((known, since)) if known == head => {
                let is_overdue = now.duration_since(since) >= BLOCK_INTERVAL;
                if is_overdue {
                    *seen = Some((head, now));
                }
                is_overdue
            }
            _ => {
                *seen = Some((head, now));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_that_stands_still_is_overdue_once_a_second() {
        let (growth, start) = (Growth::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        assert!(!growth.is_overdue(5, at(0)));
        assert!(!growth.is_overdue(5, at(999)));
        assert!(growth.is_overdue(5, at(1_000)));
        assert!(!growth.is_overdue(5, at(1_001)), "it was said already");
        assert!(!growth.is_overdue(6, at(2_500)));
    }

    #[test]
    fn names_of_filters_cannot_be_guessed() {
        let filters = Filters::default();
        let names = [(); 8].map(|()| filters.add(Watched::Blocks, 0));
        assert!(names.iter().all(|name| name.0 > u128::from(u64::MAX)), "{names:?}");
        assert!(filters.find(FilterName(1)).is_none() && !filters.remove(FilterName(1)));
        assert!(filters.find(names[0]).is_some() && filters.remove(names[0]));
        assert!(filters.find(names[0]).is_none());
    }

    #[test]
    fn the_filter_asked_for_longest_ago_makes_room() {
        let filters = Filters::default();
        let first = filters.add(Watched::Blocks, 0);
        let second = filters.add(Watched::Blocks, 0);
        for _ in 2..FILTERS_MAX {
            filters.add(Watched::Blocks, 0);
        }
        filters.find(first);
        filters.add(Watched::Blocks, 0);
        assert!(filters.find(first).is_some());
        assert!(filters.find(second).is_none());
    }
}
