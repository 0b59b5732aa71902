//! Looks names up and forgets the addresses that may not be reached.
//!
//! The addresses that were judged are the addresses that are connected to: a name that answers
//! differently the next time gains nothing.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::{AddressGuard, Forbidden};

/// Looks names up.
pub trait Lookup: Debug + Send + Sync {
    /// The addresses of a name, unfiltered.
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// Looks names up as the system does.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        }
        .boxed()
    }
}

/// Looks names up and keeps what the guard lets through.
#[derive(Debug, Clone)]
pub(super) struct GuardedResolver {
    pub(super) guard: AddressGuard,
    pub(super) lookup: Arc<dyn Lookup>,
}

/// Why a name has no address.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResolveError {
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error("the name `{name}` cannot be resolved: {reason}")]
    Unknown { name: String, reason: String },
}

impl GuardedResolver {
    /// The addresses of a name that may be reached; none of them being one is an error.
    pub(super) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
        self.guard.check_name(name)?;
        let unknown = |reason: String| ResolveError::Unknown { name: name.to_owned(), reason };
        let found = self.lookup.lookup(name.to_owned()).await;
        let found = found.map_err(|error| unknown(error.to_string()))?;
        if self.guard.allows_name(name) {
            return Ok(found);
        }
        let first = *found.first().ok_or_else(|| unknown("it has no address".to_owned()))?;
        let public: Vec<IpAddr> =
            found.into_iter().filter(|ip| self.guard.check_ip(*ip).is_ok()).collect();
        if public.is_empty() {
            let reason = format!("`{name}` leads to {first}, which is not a public address");
            return Err(Forbidden::new(reason).into());
        }
        Ok(public)
    }

    /// The addresses of a host as it stands in an address, be it a name or an address itself.
    pub(super) async fn host(
        &self,
        host: &str,
        port: u16,
    ) -> Result<Vec<SocketAddr>, ResolveError> {
        let ips = match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            Ok(ip) => {
                self.guard.check_ip(ip)?;
                vec![ip]
            }
            Err(_) => self.addresses(host).await?,
        };
        Ok(ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        async move {
            let found = resolver.addresses(name.as_str()).await?;
            let addresses: Addrs = Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        }
        .boxed()
    }
}
