//! The real web.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, redirect};
use tokio::sync::Semaphore;
use url::Url;

use super::browser::Browser;
use super::extract;
use super::guard::{AddressGuard, Forbidden};
use super::resolver::{GuardedResolver, Lookup, ResolveError, SystemLookup};
use crate::domain::Bytes;
use crate::execution::nondeterminism::http::{BodyError, causes, client_builder, read_body};
use crate::execution::nondeterminism::{
    Asker, NoAnswer, RenderMode, RenderRequest, Rendered, Web, WebRequest, WebResponse, codes,
};

/// The bounds of what contracts do in the web.
#[derive(Debug, Clone)]
pub struct WebSettings {
    /// Which addresses may be reached.
    pub guard: AddressGuard,
    /// The longest body that is sent or received, and the longest rendered text.
    pub body_bytes_max: usize,
    /// For a whole fetch, redirects included.
    pub request_timeout: Duration,
    /// Redirects that are followed.
    pub redirects_max: usize,
    /// Fetches at the same time; further ones wait.
    pub fetches_max: usize,
    /// Is a browser used at all?
    pub browser_enabled: bool,
    /// The browser's program; none looks for Chromium or Chrome in `PATH`.
    pub browser: Option<PathBuf>,
    /// Does the browser confine itself? None: unless the user is root, under whom it cannot.
    pub browser_sandbox: Option<bool>,
    /// Browsers at the same time; further ones wait.
    pub renders_max: usize,
    /// For a whole rendering; the browser is then killed.
    pub render_timeout: Duration,
    /// All that one page may transfer.
    pub render_transfer_bytes_max: u64,
}

impl Default for WebSettings {
    fn default() -> Self {
        Self {
            guard: AddressGuard::default(),
            body_bytes_max: 4 << 20,
            request_timeout: Duration::from_secs(30),
            redirects_max: 5,
            fetches_max: 32,
            browser_enabled: true,
            browser: None,
            browser_sandbox: None,
            renders_max: 2,
            render_timeout: Duration::from_mins(1),
            render_transfer_bytes_max: 64 << 20,
        }
    }
}

/// Reaches the web, as far as the guard lets it.
///
/// `render` needs Chromium or Chrome. Without one, pages are fetched and no script runs: HTML is
/// then the document as it was sent, text is what can be read in it, and pictures are refused.
#[derive(Debug, Clone)]
pub struct Fetcher {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    client: Client,
    settings: WebSettings,
    fetches: Semaphore,
    browser: Option<Browser>,
}

impl Fetcher {
    /// A fetcher that looks names up as the system does; fails if TLS cannot be set up.
    pub fn new(settings: WebSettings) -> Result<Self, String> {
        Self::with_lookup(settings, Arc::new(SystemLookup))
    }

    /// A fetcher with another way to look names up.
    pub fn with_lookup(settings: WebSettings, lookup: Arc<dyn Lookup>) -> Result<Self, String> {
        let resolver = GuardedResolver { guard: settings.guard.clone(), lookup };
        let client = client_builder()?
            .redirect(redirects(settings.guard.clone(), settings.redirects_max))
            .dns_resolver(Arc::new(resolver.clone()))
            .build()
            .map_err(causes)?;
        let browser = Browser::find(&settings, resolver);
        let fetches = Semaphore::new(settings.fetches_max.max(1));
        Ok(Self { inner: Arc::new(Inner { client, settings, fetches, browser }) })
    }

    /// The browser that renders, if there is one.
    pub fn browser(&self) -> Option<&std::path::Path> {
        self.inner.browser.as_ref().map(Browser::program)
    }
}

/// Follows what the guard lets through. Names are judged again when they are resolved.
fn redirects(guard: AddressGuard, limit: usize) -> redirect::Policy {
    redirect::Policy::custom(move |attempt| {
        if attempt.previous().len() > limit {
            return attempt.error(TooManyRedirects(limit));
        }
        match guard.check_url(attempt.url()) {
            Ok(()) => attempt.follow(),
            Err(forbidden) => attempt.error(forbidden),
        }
    })
}

#[derive(Debug, thiserror::Error)]
#[error("more than {0} redirects")]
struct TooManyRedirects(usize);

fn failed(reason: impl Into<String>) -> NoAnswer {
    NoAnswer::refused(codes::WEB_REQUEST_FAILED, reason)
}

/// The guard's refusal of `url`.
pub(super) fn forbidden(url: &str, forbidden: &Forbidden) -> NoAnswer {
    let shown = super::short(url);
    NoAnswer::refused(codes::WEB_TLD_FORBIDDEN, format!("`{shown}`: {forbidden}"))
}

/// Reads and judges an address.
pub(super) fn checked_url(guard: &AddressGuard, text: &str) -> Result<Url, NoAnswer> {
    let url = Url::parse(text)
        .map_err(|error| failed(format!("`{}` is no address: {error}", super::short(text))))?;
    guard.check_url(&url).map_err(|refusal| forbidden(text, &refusal))?;
    Ok(url)
}

fn method(name: &str) -> Result<Method, NoAnswer> {
    const ALLOWED: [Method; 7] = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::HEAD,
        Method::OPTIONS,
        Method::PATCH,
    ];
    ALLOWED
        .into_iter()
        .find(|method| method.as_str().eq_ignore_ascii_case(name))
        .ok_or_else(|| failed(format!("the method `{}` is not offered", super::short(name))))
}

fn headers(request: &WebRequest) -> Result<HeaderMap, NoAnswer> {
    /// What belongs to the connection, which is ours.
    const OURS: [&str; 9] = [
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "keep-alive",
    ];
    const COUNT_MAX: usize = 64;
    if request.headers.len() > COUNT_MAX {
        return Err(failed(format!("more than {COUNT_MAX} headers")));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let bad = || failed(format!("the header `{}` cannot be sent", super::short(name)));
        let header: HeaderName = name.parse().ok().ok_or_else(bad)?;
        if OURS.contains(&header.as_str()) || header.as_str().starts_with("proxy-") {
            return Err(bad());
        }
        headers.insert(header, HeaderValue::from_bytes(value).ok().ok_or_else(bad)?);
    }
    Ok(headers)
}

/// The refusal hidden among an error's causes, or the failure that it is.
fn judged(url: &str, error: reqwest::Error) -> NoAnswer {
    let mut cause = error.source();
    while let Some(next) = cause {
        if let Some(refusal) = next.downcast_ref::<Forbidden>() {
            return forbidden(url, refusal);
        }
        if let Some(ResolveError::Forbidden(refusal)) = next.downcast_ref::<ResolveError>() {
            return forbidden(url, refusal);
        }
        cause = next.source();
    }
    failed(format!("`{}`: {}", super::short(url), causes(error)))
}

impl Inner {
    async fn fetch(&self, request: &WebRequest) -> Result<WebResponse, NoAnswer> {
        let url = checked_url(&self.settings.guard, &request.url)?;
        let method = method(&request.method)?;
        let headers = headers(request)?;
        let limit = self.settings.body_bytes_max;
        let body = request.body.clone().unwrap_or_default();
        if body.len() > limit {
            return Err(failed(format!("the request's body exceeds {limit} bytes")));
        }
        let permit = self.fetches.acquire().await;
        let mut sent = self.client.request(method, url).headers(headers);
        if request.body.is_some() {
            sent = sent.body(body.to_vec());
        }
        let exchange = async {
            let response = sent.send().await.map_err(|error| judged(&request.url, error))?;
            let status = response.status().as_u16();
            let headers = joined(response.headers());
            let body = read_body(response, limit).await.map_err(|error| match error {
                BodyError::TooLong => failed(format!("the response exceeds {limit} bytes")),
                BodyError::Broken(error) => judged(&request.url, error),
            })?;
            Ok(WebResponse { status, headers, body: Bytes::from(body) })
        };
        let answered = tokio::time::timeout(self.settings.request_timeout, exchange).await;
        drop(permit);
        answered.unwrap_or_else(|_| {
            let limit = self.settings.request_timeout.as_millis();
            Err(failed(format!("`{}`: no response within {limit} ms", super::short(&request.url))))
        })
    }

    async fn render(&self, request: &RenderRequest) -> Result<Rendered, NoAnswer> {
        let url = checked_url(&self.settings.guard, &request.url)?;
        if let Some(browser) = &self.browser {
            return browser.render(&url, request).await;
        }
        if request.mode == RenderMode::Screenshot {
            return Err(failed("pictures of pages need Chromium, which this node has not"));
        }
        let document = WebRequest {
            url: request.url.clone(),
            method: "GET".to_owned(),
            headers: std::collections::BTreeMap::new(),
            body: None,
        };
        let response = self.fetch(&document).await?;
        if let Some(error) = super::page_error(response.status.into()) {
            return Err(failed(error));
        }
        match request.mode {
            RenderMode::Html => {
                Ok(Rendered::Text(String::from_utf8_lossy(&response.body).into_owned()))
            }
            _ => extract::text(response).await.map(Rendered::Text).map_err(failed),
        }
    }
}

/// All header lines, repeated ones in one.
fn joined(headers: &HeaderMap) -> std::collections::BTreeMap<String, Bytes> {
    let mut lines: std::collections::BTreeMap<String, Vec<u8>> = std::collections::BTreeMap::new();
    for (name, value) in headers {
        let line = lines.entry(name.as_str().to_owned()).or_default();
        if !line.is_empty() {
            line.extend_from_slice(b", ");
        }
        line.extend_from_slice(value.as_bytes());
    }
    lines.into_iter().map(|(name, value)| (name, Bytes::from(value))).collect()
}

impl Web for Fetcher {
    fn fetch(
        &self,
        _asker: Asker,
        request: WebRequest,
    ) -> BoxFuture<'static, Result<WebResponse, NoAnswer>> {
        let inner = self.inner.clone();
        async move { inner.fetch(&request).await }.boxed()
    }

    fn render(
        &self,
        _asker: Asker,
        request: RenderRequest,
    ) -> BoxFuture<'static, Result<Rendered, NoAnswer>> {
        let inner = self.inner.clone();
        async move { inner.render(&request).await }.boxed()
    }
}
