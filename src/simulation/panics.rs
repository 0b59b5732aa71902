//! Panics that no scenario asked for: every one is a fault of the network.
//!
//! Injected panics unwind without calling the panic hook, so whatever the hook sees is real. A run
//! has its thread for itself, and looks there after every commit.

use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    /// `None` outside a run; the first panic of the run inside it.
    static SEEN: RefCell<Option<Option<String>>> = const { RefCell::new(None) };
}

/// Listens for panics on this thread until it is dropped.
#[derive(Debug)]
pub(super) struct Panics(());

impl Panics {
    pub(super) fn listen() -> Self {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                let is_noted = SEEN.with_borrow_mut(|seen| match seen {
                    Some(first) => {
                        first.get_or_insert_with(|| info.to_string());
                        true
                    }
                    None => false,
                });
                if !is_noted {
                    before(info);
                }
            }));
        });
        SEEN.set(Some(None));
        Self(())
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        SEEN.set(None);
    }
}

/// The first panic on this thread since somebody listens.
pub(super) fn take() -> Option<String> {
    SEEN.with_borrow_mut(|seen| seen.as_mut().and_then(Option::take))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_seen_and_an_injected_one_is_not() {
        let _panics = Panics::listen();
        let _caught = std::panic::catch_unwind(|| std::panic::resume_unwind(Box::new("wanted")));
        assert_eq!(take(), None);
        let _caught = std::panic::catch_unwind(|| panic!("not wanted"));
        assert!(take().unwrap().contains("not wanted"));
        assert_eq!(take(), None);
    }
}
