//! The browser's only way out: a forward proxy on loopback that asks the guard.
//!
//! The browser resolves no names; every connection it wants is judged and opened here, after the
//! name was resolved, so that neither a page's scripts nor its redirects reach a private network.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use url::Url;

use super::resolver::{GuardedResolver, ResolveError};

const HEAD_BYTES_MAX: usize = 64 << 10;
const CONNECTIONS_MAX: usize = 256;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A running proxy; it ends with this value, and every connection with it.
#[derive(Debug)]
pub(super) struct GuardedProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    resolver: GuardedResolver,
    /// Bytes that may still be transferred.
    budget: AtomicU64,
    refused: Mutex<BTreeSet<String>>,
}

impl Drop for GuardedProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl GuardedProxy {
    /// Listens on a free port of loopback.
    pub(super) async fn start(resolver: GuardedResolver, budget: u64) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (budget, refused) = (AtomicU64::new(budget), Mutex::default());
        let shared = Arc::new(Shared { resolver, budget, refused });
        let task = tokio::spawn(accept(listener, shared.clone()));
        Ok(Self { address, shared, task })
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Was a connection to this host refused?
    pub(super) fn has_refused(&self, host: &str) -> bool {
        self.shared.refused.lock().unwrap_or_else(PoisonError::into_inner).contains(host)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        if connections.len() < CONNECTIONS_MAX {
            let shared = shared.clone();
            connections.spawn(async move {
                // A broken connection is the browser's business.
                let _ = serve(stream, &shared).await;
            });
        }
    }
}

/// A request's first line and the rest of its head.
struct Head {
    method: String,
    target: String,
    /// Header lines, each with its line end.
    lines: Vec<String>,
    /// What came after the head.
    rest: Vec<u8>,
}

async fn read_head(stream: &mut TcpStream) -> io::Result<Head> {
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|part| part == b"\r\n\r\n") {
            break at;
        }
        if bytes.len() > HEAD_BYTES_MAX || stream.read_buf(&mut bytes).await? == 0 {
            return Err(bad("no whole head"));
        }
    };
    let rest = bytes.split_off(end + 4);
    let text = String::from_utf8(bytes).ok().ok_or_else(|| bad("the head is not UTF-8"))?;
    let mut lines = text.split("\r\n").filter(|line| !line.is_empty());
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(bad("no request line"));
    };
    Ok(Head {
        method: method.to_owned(),
        target: target.to_owned(),
        lines: lines.map(|line| format!("{line}\r\n")).collect(),
        rest,
    })
}

async fn serve(mut browser: TcpStream, shared: &Shared) -> io::Result<()> {
    let head = read_head(&mut browser).await?;
    let tunnel = head.method == "CONNECT";
    let target = if tunnel { format!("http://{}/", head.target) } else { head.target.clone() };
    let url = Url::parse(&target).ok().filter(|url| url.scheme() == "http");
    let Some((url, host)) = url.and_then(|url| Some((url.clone(), url.host_str()?.to_owned())))
    else {
        return refuse(&mut browser, "400 Bad Request", "not an http address").await;
    };
    // The default port of a tunnel is written out, but Url takes `:80` for the default of http.
    let port = url.port().unwrap_or(80);
    let mut server = match shared.connect(&url, &host, port).await {
        Ok(server) => server,
        Err(ResolveError::Forbidden(forbidden)) => {
            shared.refused.lock().unwrap_or_else(PoisonError::into_inner).insert(host);
            return refuse(&mut browser, "403 Forbidden", &forbidden.to_string()).await;
        }
        Err(unknown) => {
            return refuse(&mut browser, "502 Bad Gateway", &unknown.to_string()).await;
        }
    };
    if tunnel {
        browser.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    } else {
        server.write_all(&rewritten(&head, &url)).await?;
    }
    server.write_all(&head.rest).await?;

    let (mut from_browser, mut to_browser) = browser.split();
    let (mut from_server, mut to_server) = server.split();
    let up = pump(&mut from_browser, &mut to_server, &shared.budget);
    let down = pump(&mut from_server, &mut to_browser, &shared.budget);
    futures_util::future::try_join(up, down).await.map(drop)
}

/// The request as a server wants it, and the wish that its connection carries no second one: a
/// second one could be for another host.
fn rewritten(head: &Head, url: &Url) -> Vec<u8> {
    let mut target = url.path().to_owned();
    if let Some(query) = url.query() {
        target = format!("{target}?{query}");
    }
    let mut text = format!("{} {target} HTTP/1.1\r\n", head.method);
    for line in &head.lines {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if !matches!(name.as_str(), "connection" | "keep-alive") && !name.starts_with("proxy-") {
            text.push_str(line);
        }
    }
    text.push_str("Connection: close\r\n\r\n");
    text.into_bytes()
}

async fn refuse(browser: &mut TcpStream, status: &str, reason: &str) -> io::Result<()> {
    let length = reason.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    browser.write_all(head.as_bytes()).await?;
    browser.write_all(reason.as_bytes()).await?;
    browser.shutdown().await
}

impl Shared {
    /// Connects to an address that was judged.
    async fn connect(&self, url: &Url, host: &str, port: u16) -> Result<TcpStream, ResolveError> {
        self.resolver.guard.check_url(url)?;
        let mut reason = "no address".to_owned();
        for address in self.resolver.host(host, port).await? {
            match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => reason = error.to_string(),
                Err(_) => "it takes too long".clone_into(&mut reason),
            }
        }
        Err(ResolveError::Unknown { name: host.to_owned(), reason })
    }
}

/// Passes bytes on until the end, or until the page has transferred too much.
async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    budget: &AtomicU64,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let count = from.read(&mut buffer).await?;
        let Some(part) = buffer.get(..count).filter(|part| !part.is_empty()) else {
            return to.shutdown().await;
        };
        let used = u64::try_from(count).unwrap_or(u64::MAX);
        let left = |left: u64| left.checked_sub(used);
        if budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_err() {
            return Err(io::Error::other("the page transfers too much"));
        }
        to.write_all(part).await?;
    }
}
