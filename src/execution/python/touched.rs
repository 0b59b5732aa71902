//! Which pages were asked for by executions that were not sent their whole state: the next one of
//! the same method is sent these at once, and need not ask.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::calldata::Value;
use crate::domain::{Address, PageKey};

/// How many methods are remembered.
const METHODS_MAX: usize = 4_096;
/// How many pages of each.
const PAGES_MAX: usize = 64;

/// A method of a contract; `None` is its constructor, or a plain transfer.
pub(super) type Method = (Address, Option<String>);

/// Pages by method.
#[derive(Debug, Default)]
pub(super) struct Touched(Mutex<BTreeMap<Method, Vec<PageKey>>>);

/// The method that is called.
pub(super) fn method_of(contract: Address, calldata: &[u8]) -> Method {
    let name = match Value::decode(calldata) {
        Ok(Value::Map(mut call)) => match call.remove("method") {
            Some(Value::Text(name)) => Some(name),
            _ => None,
        },
        _ => None,
    };
    (contract, name)
}

impl Touched {
    fn pages(&self) -> MutexGuard<'_, BTreeMap<Method, Vec<PageKey>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What executions of this method asked for lately.
    pub(super) fn of(&self, method: &Method) -> Vec<PageKey> {
        self.pages().get(method).cloned().unwrap_or_default()
    }

    /// An execution of this method asked for these.
    pub(super) fn note(&self, method: Method, mut asked: Vec<PageKey>) {
        if asked.is_empty() {
            return;
        }
        let mut pages = self.pages();
        if pages.len() >= METHODS_MAX && !pages.contains_key(&method) {
            // Rare, and soon made up for: what is used is asked for again.
            pages.clear();
        }
        let known = pages.entry(method).or_default();
        asked.extend(known.iter().filter(|key| !asked.contains(key)).copied().collect::<Vec<_>>());
        asked.truncate(PAGES_MAX);
        *known = asked;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Digest, SlotId};

    fn key(index: u32) -> PageKey {
        PageKey { slot: SlotId(Digest::new([1; 32])), index }
    }

    #[test]
    fn the_newest_pages_of_a_method_are_remembered() {
        let touched = Touched::default();
        let data = Value::call(Some("get"), Vec::new(), BTreeMap::new()).encode();
        let method = method_of(Address::ZERO, &data);
        assert_eq!(method, (Address::ZERO, Some("get".to_owned())));
        touched.note(method.clone(), vec![key(1), key(2)]);
        touched.note(method.clone(), vec![key(3)]);
        assert_eq!(touched.of(&method), [key(3), key(1), key(2)]);
        touched.note(method.clone(), (10..100).map(key).collect());
        assert_eq!(touched.of(&method).len(), PAGES_MAX);
        assert_eq!(touched.of(&method_of(Address::ZERO, b"nonsense")), []);
    }
}
