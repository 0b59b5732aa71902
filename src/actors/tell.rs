//! Sending a fact.

use std::sync::atomic::{AtomicU64, Ordering};

use actix::{Message, Recipient, WeakRecipient};

static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Sends a fact that needs no answer. A receiver that is gone is normal during shutdown and
/// rotation; the loss is counted, where `do_send` alone would be silent.
pub fn tell<M>(to: &Recipient<M>, message: M)
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    if !to.connected() {
        DROPPED.fetch_add(1, Ordering::Relaxed);
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "the one place that may, because it counts")]
    to.do_send(message);
}

/// [`tell`] for a receiver that is not kept alive.
pub fn tell_weak<M>(to: &WeakRecipient<M>, message: M)
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    match to.upgrade() {
        Some(to) => tell(&to, message),
        None => {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// How many facts found their receiver gone since the process started.
pub fn dropped_messages() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}
