//! Fetching: what is sent and read, the limits, and the guard at every hop.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use agora::domain::Bytes;
use agora::execution::nondeterminism::web::{AddressGuard, Fetcher, Lookup, WebSettings};
use agora::execution::nondeterminism::{
    NoAnswer, RenderMode, RenderRequest, Rendered, Web, WebRequest, WebResponse, codes,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::asker;
use crate::server::{Reply, Server};

/// Settings that reach 127.0.0.1 and nothing else that is private.
pub(crate) fn settings() -> WebSettings {
    let allowed = vec!["127.0.0.1".parse().unwrap()];
    WebSettings {
        guard: AddressGuard { allow_private: false, allowed },
        request_timeout: Duration::from_millis(1500),
        browser_enabled: false,
        ..WebSettings::default()
    }
}

fn fetcher() -> Fetcher {
    Fetcher::new(settings()).unwrap()
}

fn request(url: &str) -> WebRequest {
    WebRequest {
        url: url.to_owned(),
        method: "GET".to_owned(),
        headers: BTreeMap::new(),
        body: None,
    }
}

async fn get(fetcher: &Fetcher, url: &str) -> Result<WebResponse, NoAnswer> {
    fetcher.fetch(asker(), request(url)).await
}

async fn refusal(fetcher: &Fetcher, url: &str) -> &'static str {
    let error = get(fetcher, url).await.unwrap_err();
    assert!(matches!(error, NoAnswer::Refused { .. }), "{error}");
    error.code()
}

#[tokio::test]
async fn a_request_arrives_whole_and_so_does_the_response() {
    let server = Server::start(|_, _| {
        let headers = ["a", "b"].map(|value| ("X-Both".to_owned(), value.to_owned()));
        Reply::Status(404, headers.to_vec(), b"\xff\x00raw".to_vec())
    })
    .await;
    let mut sent = request(&server.url("/p?q=1"));
    sent.method = "PATCH".to_owned();
    sent.body = Some(Bytes::from_static(b"body"));
    sent.headers.insert("X-Mine".to_owned(), Bytes::from_static(b"1"));
    let response = fetcher().fetch(asker(), sent).await.unwrap();
    assert_eq!(response.status, 404);
    assert_eq!(response.body.as_ref(), b"\xff\x00raw");
    assert_eq!(response.headers["x-both"].as_ref(), b"a, b");
    let asked = &server.asked()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("PATCH", "/p?q=1"));
    assert_eq!((asked.body.as_slice(), asked.headers["x-mine"].as_str()), (&b"body"[..], "1"));
    assert!(asked.headers["user-agent"].starts_with("agora/"));
}

#[tokio::test]
async fn every_method_is_sent_and_no_other() {
    let server = Server::start(|_, _| Reply::status(200, "x")).await;
    let fetcher = fetcher();
    for method in ["GET", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "get"] {
        let sent = WebRequest { method: method.to_owned(), ..request(&server.url("/")) };
        assert_eq!(fetcher.fetch(asker(), sent).await.unwrap().status, 200, "{method}");
    }
    for method in ["CONNECT", "TRACE", "", "G ET"] {
        let sent = WebRequest { method: method.to_owned(), ..request(&server.url("/")) };
        let error = fetcher.fetch(asker(), sent).await.unwrap_err();
        assert_eq!(error.code(), codes::WEB_REQUEST_FAILED, "{method}");
    }
    assert_eq!(server.asked().len(), 7);
}

#[tokio::test]
async fn headers_of_the_connection_are_not_the_contracts() {
    let server = Server::start(|_, _| Reply::status(200, "x")).await;
    for name in ["Host", "content-length", "Transfer-Encoding", "Proxy-Authorization", "a b", ""] {
        let mut sent = request(&server.url("/"));
        sent.headers.insert(name.to_owned(), Bytes::from_static(b"1"));
        let error = fetcher().fetch(asker(), sent).await.unwrap_err();
        assert_eq!(error.code(), codes::WEB_REQUEST_FAILED, "{name}");
    }
    assert_eq!(server.asked().len(), 0);
}

#[tokio::test]
async fn failures_say_what_failed() {
    let server = Server::start(|request, _| match request.path.as_str() {
        "/gone" => Reply::Gone,
        "/slow" => Reply::Slow(vec![b'x'; 1000]),
        "/silent" => Reply::Silent,
        _ => Reply::Status(200, vec![], vec![b'x'; 5 << 20]),
    })
    .await;
    let fetcher = fetcher();
    for (path, wanted) in [
        ("/gone", "/gone"),
        ("/slow", "no response within 1500 ms"),
        ("/silent", "no response within 1500 ms"),
        ("/large", "exceeds 4194304 bytes"),
    ] {
        let error = get(&fetcher, &server.url(path)).await.unwrap_err();
        assert_eq!(error.code(), codes::WEB_REQUEST_FAILED);
        assert!(error.reason().contains(wanted), "{path}: {error}");
    }
}

#[tokio::test]
async fn redirects_are_followed_as_far_as_the_guard_allows() {
    let private = Server::start_at("127.0.0.2", |_, _| Reply::status(200, "secret")).await;
    let to = private.url("/");
    let to_name = format!("http://localhost:{}/", private.address.port());
    let server = Server::start(move |request, _| match request.path.as_str() {
        "/good" => Reply::redirect("/end"),
        "/bad" => Reply::redirect(&to),
        "/decimal" => Reply::redirect("http://2130706434/"),
        "/name" => Reply::redirect(&to_name),
        "/metadata" => Reply::redirect("http://169.254.169.254/latest/"),
        "/file" => Reply::redirect("file:///etc/passwd"),
        "/loop" => Reply::redirect("/loop"),
        _ => Reply::status(200, "end"),
    })
    .await;
    let fetcher = fetcher();
    assert_eq!(get(&fetcher, &server.url("/good")).await.unwrap().body.as_ref(), b"end");
    for path in ["/bad", "/decimal", "/name", "/metadata"] {
        assert_eq!(refusal(&fetcher, &server.url(path)).await, codes::WEB_TLD_FORBIDDEN, "{path}");
    }
    // What is no address of the web is not followed: the redirect itself is the response.
    assert_eq!(get(&fetcher, &server.url("/file")).await.unwrap().status, 302);
    assert_eq!(refusal(&fetcher, &server.url("/loop")).await, codes::WEB_REQUEST_FAILED);
    assert_eq!(private.asked().len(), 0);
}

/// Answers with other addresses every time.
#[derive(Debug)]
struct Turning {
    answers: Vec<Vec<IpAddr>>,
    asked: Arc<AtomicUsize>,
}

impl Lookup for Turning {
    fn lookup(&self, _name: String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers[turn.min(self.answers.len() - 1)].clone();
        async move { Ok(answer) }.boxed()
    }
}

pub(crate) fn turning(answers: &[&[&str]]) -> Arc<dyn Lookup> {
    let parse = |ips: &&[&str]| ips.iter().map(|ip| ip.parse().unwrap()).collect();
    Arc::new(Turning { answers: answers.iter().map(parse).collect(), asked: Arc::default() })
}

#[tokio::test]
async fn a_name_that_turns_private_is_refused() {
    let server = Server::start(|_, _| Reply::status(200, "x")).await;
    let url = format!("http://rebind.example:{}/", server.address.port());
    let lookup = turning(&[&["127.0.0.1"], &["127.0.0.2"], &["::1"], &["127.0.0.2", "127.0.0.1"]]);
    let fetcher = Fetcher::with_lookup(settings(), lookup).unwrap();
    assert_eq!(get(&fetcher, &url).await.unwrap().status, 200);
    assert_eq!(refusal(&fetcher, &url).await, codes::WEB_TLD_FORBIDDEN);
    assert_eq!(refusal(&fetcher, &url).await, codes::WEB_TLD_FORBIDDEN);
    // Of several addresses, the private ones are not tried.
    assert_eq!(get(&fetcher, &url).await.unwrap().status, 200);
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_redirect_to_a_name_that_turns_private_is_refused() {
    let private = Server::start_at("127.0.0.2", |_, _| Reply::status(200, "secret")).await;
    let to = format!("http://rebind.example:{}/", private.address.port());
    let server = Server::start(move |_, _| Reply::redirect(&to)).await;
    let fetcher = Fetcher::with_lookup(settings(), turning(&[&["127.0.0.2"]])).unwrap();
    assert_eq!(refusal(&fetcher, &server.url("/")).await, codes::WEB_TLD_FORBIDDEN);
    assert_eq!(private.asked().len(), 0);
}

#[tokio::test]
async fn forbidden_addresses_are_not_even_connected_to() {
    let fetcher = fetcher();
    for url in [
        "http://127.0.0.2/",
        "http://2130706434/",
        "http://0x7f.0.0.2/",
        "http://0177.0.0.2/",
        "http://user@127.0.0.2/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.2]/",
        "http://10.0.0.1/",
        "http://169.254.169.254/",
        "http://localhost/",
        "http://localhost./",
        "ftp://example.com/",
    ] {
        assert_eq!(refusal(&fetcher, url).await, codes::WEB_TLD_FORBIDDEN, "{url}");
    }
    assert_eq!(refusal(&fetcher, "not an address").await, codes::WEB_REQUEST_FAILED);
}

#[tokio::test]
async fn without_a_browser_pages_are_read_without_one() {
    let server = Server::start(|request, _| match request.path.as_str() {
        "/json" => Reply::Status(
            200,
            vec![("content-type".to_owned(), "application/json".to_owned())],
            b"{\"a\":  1}".to_vec(),
        ),
        "/gone" => Reply::status(404, "gone"),
        _ => Reply::html(
            "<html><head><title>T</title><style>p{}</style></head><body><h1>Head</h1>\
             <p>One &amp; two</p><script>document.write('no')</script></body></html>",
        ),
    })
    .await;
    let fetcher = fetcher();
    assert_eq!(fetcher.browser(), None);
    let render = async |path: &str, mode: RenderMode| {
        let request = RenderRequest { url: server.url(path), mode, wait: Duration::ZERO };
        fetcher.render(asker(), request).await
    };
    let Ok(Rendered::Text(text)) = render("/", RenderMode::Text).await else { panic!() };
    assert!(text.contains("Head") && text.contains("One & two"), "{text}");
    assert!(!text.contains("document.write") && !text.contains("p{}"), "{text}");
    assert_eq!(
        render("/json", RenderMode::Text).await,
        Ok(Rendered::Text("{\"a\":  1}".to_owned()))
    );
    let Ok(Rendered::Text(html)) = render("/", RenderMode::Html).await else { panic!() };
    assert!(html.contains("<h1>Head</h1>"));
    let error = render("/gone", RenderMode::Text).await.unwrap_err();
    assert_eq!(error.to_string(), "WEB_REQUEST_FAILED: WEBPAGE_LOAD_FAILED: status 404");
    let error = render("/", RenderMode::Screenshot).await.unwrap_err();
    assert!(error.reason().contains("Chromium"), "{error}");
    let request = RenderRequest {
        url: "http://127.0.0.2/".to_owned(),
        mode: RenderMode::Text,
        wait: Duration::ZERO,
    };
    assert_eq!(
        fetcher.render(asker(), request).await.unwrap_err().code(),
        codes::WEB_TLD_FORBIDDEN
    );
}
