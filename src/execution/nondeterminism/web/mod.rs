//! The web: a guarded client, a browser behind a guarded proxy, and mocks.
//!
//! [`Fetcher`] is the real one. Whatever leads to an address of a private network is refused, by
//! [`AddressGuard`], unless the settings allow it: first names and literal addresses, then every
//! hop of a redirect, then the addresses that a name resolves to at the moment of connecting.

mod browser;
mod devtools;
mod extract;
mod fetcher;
mod guard;
mod mock;
mod nesting;
mod proxy;
mod resolver;

pub use fetcher::{Fetcher, WebSettings};
pub use guard::{AddressGuard, Allowance, BadAllowance, Forbidden};
pub use mock::{MockError, MockWeb};
pub use resolver::{Lookup, SystemLookup};

/// What is wrong with a page of this status, as GenVM's web module has it: nothing, or it is the
/// page of an error, which is not shown.
fn page_error(status: u64) -> Option<String> {
    (!matches!(status, 200..=299 | 304)).then(|| format!("WEBPAGE_LOAD_FAILED: status {status}"))
}

/// An address for a message: the whole of it may be as long as its author likes.
fn short(url: &str) -> String {
    url.chars().take(200).collect()
}
