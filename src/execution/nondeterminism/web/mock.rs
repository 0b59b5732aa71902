//! A web that is made up, for tests.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::extract;
use crate::domain::Bytes;
use crate::execution::nondeterminism::{
    Asker, NoAnswer, RenderMode, RenderRequest, Rendered, Web, WebRequest, WebResponse, codes,
};

/// Why mocks were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct MockError {
    /// Which mock, such as `web_mocks[2]`.
    pub place: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Mocks in order: the first that fits an address answers. What none fits is an error, or goes to
/// another web if there is one. Clones are handles to the same mocks.
///
/// As JSON, a list of objects. One of `url` (the whole address), `contains` and `regex` says which
/// addresses it is for, `method`, where given, which method. For fetches: `status` (200), `headers`
/// and `body` (a text; other JSON is written as such). For pages: `text`, `html`, `screenshot` (a
/// PNG in Base64); text and HTML that are not given are taken from `body`. Or `error`, in words:
/// the request then fails. A mock whose `method` is `RENDER` is for pages alone.
#[derive(Debug, Clone, Default)]
pub struct MockWeb {
    mocks: Arc<RwLock<Arc<Vec<Mock>>>>,
    otherwise: Option<Arc<dyn Web>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMock {
    url: Option<String>,
    contains: Option<String>,
    regex: Option<String>,
    method: Option<String>,
    #[serde(default = "ok")]
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Value>,
    text: Option<String>,
    html: Option<String>,
    screenshot: Option<String>,
    error: Option<String>,
}

/// The method of mocks that pages are rendered from.
const RENDER: &str = "RENDER";

const fn ok() -> u16 {
    200
}

#[derive(Debug, Clone)]
enum Matcher {
    Exact(String),
    Contains(String),
    Pattern(Regex),
}

#[derive(Debug, Clone)]
struct Mock {
    matcher: Matcher,
    method: Option<String>,
    response: Option<WebResponse>,
    text: Option<String>,
    html: Option<String>,
    screenshot: Option<Bytes>,
    error: Option<String>,
}

impl Mock {
    fn from_raw(raw: RawMock) -> Result<Self, String> {
        let matcher = match (raw.url, raw.contains, raw.regex) {
            (Some(text), None, None) => Matcher::Exact(text),
            (None, Some(text), None) => Matcher::Contains(text),
            (None, None, Some(text)) => {
                Matcher::Pattern(Regex::new(&text).map_err(|error| error.to_string())?)
            }
            _ => return Err("exactly one of `url`, `contains` and `regex` is wanted".to_owned()),
        };
        let screenshot = raw.screenshot.map(|text| STANDARD.decode(text)).transpose();
        let screenshot = screenshot.map_err(|error| format!("`screenshot`: {error}"))?;
        let headers = raw.headers.into_iter();
        let headers =
            headers.map(|(name, value)| (name.to_lowercase(), Bytes::from(value.into_bytes())));
        let renders = raw.text.is_some() || raw.html.is_some() || screenshot.is_some();
        let response = (raw.body.is_some() || !renders).then(|| WebResponse {
            status: raw.status,
            headers: headers.collect(),
            body: Bytes::from(written(raw.body.as_ref()).into_bytes()),
        });
        Ok(Self {
            matcher,
            method: raw.method,
            response,
            text: raw.text,
            html: raw.html,
            screenshot: screenshot.map(Bytes::from),
            error: raw.error,
        })
    }

    fn fits(&self, url: &str, method: &str) -> bool {
        let fits = match &self.matcher {
            Matcher::Exact(text) => url == text,
            Matcher::Contains(text) => url.contains(text),
            Matcher::Pattern(pattern) => pattern.is_match(url),
        };
        let is_of_page = |wanted: &String| method == RENDER && wanted.eq_ignore_ascii_case("GET");
        let takes = |wanted: &String| wanted.eq_ignore_ascii_case(method) || is_of_page(wanted);
        fits && self.method.as_ref().is_none_or(takes)
    }

    fn name(&self) -> String {
        let (kind, text) = match &self.matcher {
            Matcher::Exact(text) => ("url", text.as_str()),
            Matcher::Contains(text) => ("contains", text.as_str()),
            Matcher::Pattern(pattern) => ("regex", pattern.as_str()),
        };
        let method = self.method.as_ref().map(|method| format!("{method} ")).unwrap_or_default();
        format!("{method}{kind} `{}`", super::short(text))
    }

    async fn rendered(self, mode: RenderMode) -> Result<Rendered, NoAnswer> {
        let missing = |what: &str| failed(format!("the mock {} has no {what}", self.name()));
        let body = self.response.clone();
        if let Some(error) = body.as_ref().and_then(|body| super::page_error(body.status.into())) {
            return Err(failed(error));
        }
        match mode {
            RenderMode::Screenshot => {
                self.screenshot.clone().map(Rendered::Image).ok_or_else(|| missing("screenshot"))
            }
            RenderMode::Html => self
                .html
                .clone()
                .or_else(|| Some(String::from_utf8_lossy(&body?.body).into_owned()))
                .map(Rendered::Text)
                .ok_or_else(|| missing("html")),
            RenderMode::Text => {
                let html = || Some(Bytes::from(self.html.clone()?.into_bytes()));
                let text = match (&self.text, html(), body) {
                    (Some(text), _, _) => Ok(text.clone()),
                    (None, Some(html), _) => extract::html(html).await,
                    (None, None, Some(body)) => extract::text(body).await,
                    (None, None, None) => return Err(missing("text")),
                };
                text.map(Rendered::Text).map_err(failed)
            }
        }
    }
}

fn failed(reason: impl Into<String>) -> NoAnswer {
    NoAnswer::refused(codes::WEB_REQUEST_FAILED, reason)
}

fn written(body: Option<&Value>) -> String {
    match body {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A mock of Studio's `nondet_web_render` in our words.
fn page_mock(fields: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    let known = |name: &String| matches!(name.as_str(), "mode" | "status" | "body");
    if let Some(unknown) = fields.keys().find(|name| !known(name)) {
        return Err(format!("knows `mode`, `status` and `body`, and no `{unknown}`"));
    }
    let status = fields.get("status").map_or(Some(200), Value::as_u64);
    let status = status.ok_or("needs a number as `status`")?;
    let body = Value::from(written(fields.get("body")));
    let mut mock = Map::from_iter([("method".to_owned(), Value::from(RENDER))]);
    if let Some(error) = super::page_error(status) {
        mock.insert("error".to_owned(), error.into());
        return Ok(mock);
    }
    match fields.get("mode").and_then(Value::as_str) {
        Some(mode @ ("text" | "html" | "screenshot")) => {
            mock.insert(mode.to_owned(), body);
        }
        Some(mode) => return Err(format!("knows no mode `{mode}`: text, html or screenshot")),
        None => {
            mock.insert("html".to_owned(), body.clone());
            mock.insert("text".to_owned(), body);
        }
    }
    Ok(mock)
}

impl MockWeb {
    /// Reads a list of mocks.
    pub fn from_json(mocks: &Value) -> Result<Self, MockError> {
        let web = Self::default();
        web.set(mocks)?;
        Ok(web)
    }

    /// Reads `plugin_config.mock_web_response` of Studio (`reference/studio.md` section 2.3):
    /// `nondet_web_request` for whatever is fetched, and `nondet_web_render` for pages.
    pub fn from_studio(tables: &Value) -> Result<Self, MockError> {
        let error = |place: &str, reason: &str| MockError {
            place: place.to_owned(),
            reason: reason.to_owned(),
        };
        let tables = match tables {
            Value::Null => return Ok(Self::default()),
            Value::Object(tables) => tables,
            _ => return Err(error("mock_web_response", "must be an object")),
        };
        let (mut pages, mut fetched) = (Vec::new(), Vec::new());
        for (name, table) in tables {
            let place = format!("mock_web_response.{name}");
            let list = match name.as_str() {
                "nondet_web_request" => &mut fetched,
                "nondet_web_render" => &mut pages,
                _ => {
                    let reason = "must be `nondet_web_request` or `nondet_web_render`";
                    return Err(error(&place, reason));
                }
            };
            let table = match table {
                Value::Null => continue,
                Value::Object(table) => table,
                _ => return Err(error(&place, "must be an object of addresses")),
            };
            for (url, mock) in table {
                let fields = mock.as_object().cloned();
                let mut fields = fields.ok_or_else(|| error(&place, "must hold objects"))?;
                if name == "nondet_web_render" {
                    fields = page_mock(&fields).map_err(|reason| error(&place, &reason))?;
                }
                fields.insert("url".to_owned(), Value::from(url.as_str()));
                list.push(Value::Object(fields));
            }
        }
        // Pages first: a mock of a request would answer for a page as well.
        pages.append(&mut fetched);
        Self::from_json(&Value::Array(pages))
    }

    /// What no mock fits goes there.
    #[must_use]
    pub fn or_else(mut self, web: Arc<dyn Web>) -> Self {
        self.otherwise = Some(web);
        self
    }

    /// Replaces the mocks, or none if any is wrong.
    pub fn set(&self, mocks: &Value) -> Result<(), MockError> {
        let error = |place: String, reason: String| MockError { place, reason };
        let list = mocks
            .as_array()
            .ok_or_else(|| error("web_mocks".to_owned(), "must be a list of objects".to_owned()))?;
        let read = |(index, mock): (usize, &Value)| {
            serde_json::from_value(mock.clone())
                .map_err(|error| error.to_string())
                .and_then(Mock::from_raw)
                .map_err(|reason| error(format!("web_mocks[{index}]"), reason))
        };
        let read: Vec<Mock> = list.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        *self.mocks.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(read);
        Ok(())
    }

    fn find(&self, url: &str, method: &str) -> Result<Option<Mock>, NoAnswer> {
        let mocks = self.mocks.read().unwrap_or_else(PoisonError::into_inner).clone();
        let found = mocks.iter().find(|mock| mock.fits(url, method)).cloned();
        if let Some(reason) = found.as_ref().and_then(|mock| mock.error.clone()) {
            return Err(failed(reason));
        }
        if found.is_some() || self.otherwise.is_some() {
            return Ok(found);
        }
        let names: Vec<String> = mocks.iter().map(Mock::name).collect();
        let known = if names.is_empty() { "there are none".to_owned() } else { names.join(", ") };
        let shown = super::short(url);
        Err(failed(format!("no mock fits {method} `{shown}`; mocks: {known}")))
    }
}

impl Web for MockWeb {
    fn fetch(
        &self,
        asker: Asker,
        request: WebRequest,
    ) -> BoxFuture<'static, Result<WebResponse, NoAnswer>> {
        let (found, otherwise) = (self.find(&request.url, &request.method), self.otherwise.clone());
        async move {
            match (found?, otherwise) {
                (Some(mock), _) => {
                    let name = mock.name();
                    mock.response.ok_or_else(|| failed(format!("the mock {name} has no body")))
                }
                (None, Some(web)) => web.fetch(asker, request).await,
                (None, None) => Err(failed("there is no mock")),
            }
        }
        .boxed()
    }

    fn render(
        &self,
        asker: Asker,
        request: RenderRequest,
    ) -> BoxFuture<'static, Result<Rendered, NoAnswer>> {
        let (found, otherwise) = (self.find(&request.url, RENDER), self.otherwise.clone());
        async move {
            match (found?, otherwise) {
                (Some(mock), _) => mock.rendered(request.mode).await,
                (None, Some(web)) => web.render(asker, request).await,
                (None, None) => Err(failed("there is no mock")),
            }
        }
        .boxed()
    }
}
