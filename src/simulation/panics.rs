//! Panics that no scenario asked for: every one is a fault of the network.
//!
//! Injected panics unwind without calling the panic hook, so whatever the hook sees is real. A run
//! has its thread for itself, and looks there after every commit.

use std::cell::RefCell;
use std::sync::Once;

/// What a thread saw.
enum Seen {
    /// Nobody listens: it runs no simulation.
    Ignored,
    /// No panic so far.
    Nothing,
    /// The first one.
    Panic(String),
}

thread_local! {
    static SEEN: RefCell<Seen> = const { RefCell::new(Seen::Ignored) };
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
                    Seen::Ignored => false,
                    Seen::Nothing => {
                        *seen = Seen::Panic(info.to_string());
                        true
                    }
                    Seen::Panic(_) => true,
                });
                if !is_noted {
                    before(info);
                }
            }));
        });
        SEEN.set(Seen::Nothing);
        Self(())
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        SEEN.set(Seen::Ignored);
    }
}

/// The first panic on this thread since somebody listens.
pub(super) fn take() -> Option<String> {
    SEEN.with_borrow_mut(|seen| {
        if let Seen::Panic(panic) = seen {
            let panic = std::mem::take(panic);
            *seen = Seen::Nothing;
            return Some(panic);
        }
        None
    })
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
