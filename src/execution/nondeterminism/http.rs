//! What all HTTP clients of this folder share: TLS without the system's help, bounded bodies.

use std::error::Error;
use std::fmt::Write;
use std::sync::Arc;

use reqwest::{Client, ClientBuilder, Response};
use rustls::{ClientConfig, RootCertStore};

/// A client that reads no proxy settings, keeps no connections and sends no referrer.
///
/// The roots are compiled in, so that a container without certificates can reach the web. No
/// connection outlives its request: a kept one belongs to the thread that opened it, and names are
/// checked when a connection is made.
pub(super) fn client_builder() -> Result<ClientBuilder, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .no_proxy()
        .referer(false)
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(0)
        .user_agent(concat!("agora/", env!("CARGO_PKG_VERSION"))))
}

/// Why a body was not read.
#[derive(Debug)]
pub(super) enum BodyError {
    /// More than the limit.
    TooLong,
    /// The connection ended or broke.
    Broken(reqwest::Error),
}

/// Reads a body, but never more than `limit` bytes.
pub(super) async fn read_body(mut response: Response, limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(BodyError::Broken)? {
        if body.len().saturating_add(chunk.len()) > limit {
            return Err(BodyError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An error with its causes, without the address: it may hold what is nobody's business.
pub(super) fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        if !text.contains(&said) {
            // Writing to a string cannot fail.
            let _ = write!(text, ": {said}");
        }
        cause = next.source();
    }
    text
}
