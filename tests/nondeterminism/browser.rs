//! Pages in a real browser behind the guarded proxy.

use std::time::Duration;

use agora::execution::nondeterminism::web::{Fetcher, WebSettings};
use agora::execution::nondeterminism::{NoAnswer, RenderMode, RenderRequest, Rendered, Web, codes};

use crate::asker;
use crate::fetch::{settings, turning};
use crate::server::{Reply, Server};

/// A fetcher with a browser; without one the test says so, and fails where it must not be missing.
fn fetcher(change: impl FnOnce(&mut WebSettings)) -> Option<Fetcher> {
    let mut settings = WebSettings { browser_enabled: true, ..settings() };
    change(&mut settings);
    let fetcher = Fetcher::with_lookup(settings, turning(&[&["127.0.0.1"]])).unwrap();
    if fetcher.browser().is_none() {
        assert!(std::env::var_os("CI").is_none(), "CI must have Chromium");
        eprintln!("!!! NOT TESTED: there is no Chromium; install it to test rendering !!!");
        return None;
    }
    Some(fetcher)
}

async fn show(fetcher: &Fetcher, url: &str, mode: RenderMode) -> Result<Rendered, NoAnswer> {
    let wait = Duration::from_millis(300);
    fetcher.render(asker(), RenderRequest { url: url.to_owned(), mode, wait }).await
}

async fn shown_text(fetcher: &Fetcher, url: &str) -> String {
    match show(fetcher, url, RenderMode::Text).await {
        Ok(Rendered::Text(text)) => text,
        other => panic!("{url}: {other:?}"),
    }
}

const PAGE: &str = "<!DOCTYPE html><html><body><p>Before</p><p style='display:none'>hidden</p>
    <div id=a></div><script>
    alert('stop?');
    setTimeout(() => { document.getElementById('a').innerText = 'made by ' + 'a script'; }, 50);
    Object.defineProperty(document.body, 'innerText', { get: () => 'forged' });
    </script></body></html>";

#[tokio::test]
async fn a_page_is_shown_as_its_scripts_made_it() {
    let Some(fetcher) = fetcher(|_| {}) else { return };
    let server = Server::start(|_, _| Reply::html(PAGE)).await;
    let url = server.url("/");
    assert_eq!(shown_text(&fetcher, &url).await, "Before\n\nmade by a script");

    let Ok(Rendered::Text(html)) = show(&fetcher, &url, RenderMode::Html).await else { panic!() };
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains(">made by a script</div>"));

    let picture = show(&fetcher, &url, RenderMode::Screenshot).await;
    let Ok(Rendered::Image(png)) = picture else { panic!("{picture:?}") };
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.len() > 1000);
}

#[tokio::test]
async fn a_page_of_an_error_is_not_shown() {
    let Some(fetcher) = fetcher(|_| {}) else { return };
    let server = Server::start(|request, _| {
        let status = request.path.trim_start_matches('/').parse().unwrap();
        Reply::status(status, "sorry")
    })
    .await;
    for mode in [RenderMode::Text, RenderMode::Html, RenderMode::Screenshot] {
        let error = show(&fetcher, &server.url("/404"), mode).await.unwrap_err();
        assert_eq!(error.to_string(), "WEB_REQUEST_FAILED: WEBPAGE_LOAD_FAILED: status 404");
    }
    let error = show(&fetcher, &server.url("/503"), RenderMode::Text).await.unwrap_err();
    assert!(error.to_string().ends_with("status 503"), "{error}");
    assert_eq!(shown_text(&fetcher, &server.url("/201")).await, "sorry");
}

#[tokio::test]
async fn names_are_resolved_by_the_proxy_and_several_pages_at_once_are_shown() {
    let Some(fetcher) = fetcher(|_| {}) else { return };
    let server = Server::start(|request, _| Reply::html(&format!("at {}", request.path))).await;
    let port = server.address.port();
    let urls: Vec<String> =
        (0..3).map(|page| format!("http://pages.example:{port}/{page}?a=b")).collect();
    let shown = urls.iter().map(|url| shown_text(&fetcher, url));
    let shown = futures_util::future::join_all(shown).await;
    assert_eq!(shown, ["at /0?a=b", "at /1?a=b", "at /2?a=b"]);
    assert_eq!(server.asked()[0].headers["host"], format!("pages.example:{port}"));
}

#[tokio::test]
async fn a_page_reaches_nothing_private() {
    let Some(fetcher) = fetcher(|_| {}) else { return };
    let private = Server::start_at("127.0.0.2", |_, _| {
        let cors = ("access-control-allow-origin".to_owned(), "*".to_owned());
        Reply::Status(200, vec![cors], b"secret".to_vec())
    })
    .await;
    let (url, port) = (private.url(""), private.address.port());
    let page = format!(
        "<body>page<img src='{url}/image'><iframe src='{url}/frame'></iframe>
         <iframe src='http://localhost:{port}/name'></iframe>
         <iframe src='http://[::1]:{port}/six'></iframe>
         <iframe src='https://127.0.0.2:{port}/tls'></iframe>
         <iframe src='file:///etc/passwd'></iframe>
         <script>
         for (const to of ['{url}/fetch', 'http://2130706434:{port}/odd'])
           fetch(to).then(r => r.text()).then(t => document.body.append(t)).catch(() => 0);
         try {{ new WebSocket('ws://127.0.0.2:{port}/socket') }} catch (e) {{}}
         navigator.sendBeacon('{url}/beacon');
         </script>"
    );
    let server = Server::start(move |_, _| Reply::html(&page)).await;
    let text = shown_text(&fetcher, &server.url("/")).await;
    assert!(text.contains("page") && !text.contains("secret"), "{text}");
    assert_eq!(private.asked().iter().map(|r| r.path.clone()).collect::<Vec<_>>(), [""; 0]);
}

#[tokio::test]
async fn a_page_that_leads_to_a_private_address_is_refused() {
    let Some(fetcher) = fetcher(|_| {}) else { return };
    let private = Server::start_at("127.0.0.2", |_, _| Reply::status(200, "secret")).await;
    let to = private.url("/");
    let server = Server::start(move |request, _| match request.path.as_str() {
        "/redirect" => Reply::redirect(&to),
        _ => Reply::html(&format!("<script>location = '{to}'</script>")),
    })
    .await;
    for path in ["/redirect", "/script"] {
        let error = show(&fetcher, &server.url(path), RenderMode::Text).await.unwrap_err();
        assert_eq!(error.code(), codes::WEB_TLD_FORBIDDEN, "{path}: {error}");
    }
    assert_eq!(private.asked().len(), 0);
}

#[tokio::test]
async fn a_page_that_does_not_come_or_does_not_end_is_an_error_in_time() {
    // A busy machine takes seconds to start a browser: only what never ends is given less time.
    let Some(patient) = fetcher(|_| {}) else { return };
    let timeout = Duration::from_secs(6);
    let Some(hurried) = fetcher(|settings| settings.render_timeout = timeout) else { return };
    let server = Server::start(|request, _| match request.path.as_str() {
        "/gone" => Reply::Gone,
        "/silent" => Reply::Silent,
        _ => Reply::html("<script>while (true) {}</script>"),
    })
    .await;
    for (fetcher, path, wanted) in [
        (&patient, "/gone", "ERR_EMPTY"),
        (&hurried, "/silent", "6000 ms"),
        (&hurried, "/busy", "6000 ms"),
    ] {
        let error = show(fetcher, &server.url(path), RenderMode::Text).await.unwrap_err();
        assert_eq!(error.code(), codes::WEB_REQUEST_FAILED);
        assert!(error.reason().contains(wanted), "{path}: {error}");
    }
}

#[tokio::test]
async fn a_page_transfers_only_so_much() {
    let change = |settings: &mut WebSettings| {
        settings.render_transfer_bytes_max = 100_000;
        settings.render_timeout = Duration::from_secs(6);
    };
    let Some(fetcher) = fetcher(change) else { return };
    let server = Server::start(|_, _| Reply::html(&"x".repeat(300_000))).await;
    let shown = show(&fetcher, &server.url("/"), RenderMode::Text).await;
    let Ok(Rendered::Text(text)) = &shown else {
        assert_eq!(shown.unwrap_err().code(), codes::WEB_REQUEST_FAILED);
        return;
    };
    assert!(text.len() < 100_000, "{}", text.len());
}

#[tokio::test]
async fn a_browser_that_is_none_is_the_nodes_fault() {
    let change = |settings: &mut WebSettings| settings.browser = Some("/bin/false".into());
    let Some(fetcher) = fetcher(change) else { return };
    let server = Server::start(|_, _| Reply::html("x")).await;
    let error = show(&fetcher, &server.url("/"), RenderMode::Text).await.unwrap_err();
    assert!(matches!(error, NoAnswer::Unavailable { .. }), "{error}");
}
