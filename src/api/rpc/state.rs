//! What JSON-RPC remembers between calls: filters, and when the chain last grew.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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

/// Filters by name, with the last block each has heard of.
#[derive(Debug, Default)]
pub(in crate::api) struct Filters(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    last: u64,
    used: u64,
    filters: BTreeMap<u64, Filter>,
}

#[derive(Debug)]
struct Filter {
    watched: Watched,
    seen: u64,
    /// Grows with every use of any filter.
    used: u64,
}

impl Filters {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a filter that has heard of all up to `head`; answers with its name.
    pub(super) fn add(&self, watched: Watched, head: u64) -> u64 {
        let mut kept = self.lock();
        if kept.filters.len() >= FILTERS_MAX {
            let oldest = kept.filters.iter().min_by_key(|(_, filter)| filter.used);
            if let Some(oldest) = oldest.map(|(name, _)| *name) {
                kept.filters.remove(&oldest);
            }
        }
        kept.last += 1;
        kept.used += 1;
        let (name, used) = (kept.last, kept.used);
        kept.filters.insert(name, Filter { watched, seen: head, used });
        name
    }

    /// What a filter watches, and the last block it had heard of; from now on that is `head`.
    pub(super) fn advance(&self, name: u64, head: u64) -> Option<(Watched, u64)> {
        let mut kept = self.lock();
        kept.used += 1;
        let used = kept.used;
        let filter = kept.filters.get_mut(&name)?;
        filter.used = used;
        let seen = std::mem::replace(&mut filter.seen, head);
        Some((filter.watched.clone(), seen))
    }

    /// What a filter watches.
    pub(super) fn watched(&self, name: u64) -> Option<Watched> {
        self.lock().filters.get(&name).map(|filter| filter.watched.clone())
    }

    /// Forgets a filter; answers whether there was one.
    pub(super) fn remove(&self, name: u64) -> bool {
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
    fn a_filter_hears_of_every_block_once() {
        let filters = Filters::default();
        let name = filters.add(Watched::Blocks, 7);
        assert_eq!(filters.advance(name, 9).unwrap().1, 7);
        assert_eq!(filters.advance(name, 9).unwrap().1, 9);
        assert!(filters.remove(name));
        assert!(filters.advance(name, 9).is_none());
    }

    #[test]
    fn the_filter_asked_for_longest_ago_makes_room() {
        let filters = Filters::default();
        let first = filters.add(Watched::Blocks, 0);
        let second = filters.add(Watched::Blocks, 0);
        for _ in 2..FILTERS_MAX {
            filters.add(Watched::Blocks, 0);
        }
        filters.advance(first, 1);
        filters.add(Watched::Blocks, 0);
        assert!(filters.watched(first).is_some());
        assert!(filters.watched(second).is_none());
    }
}
