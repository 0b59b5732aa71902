//! Shows pages in Chromium: a process, a profile and a proxy of its own for every page.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;
use url::Url;

use super::devtools::{Devtools, DevtoolsError};
use super::fetcher::{WebSettings, forbidden};
use super::guard::Forbidden;
use super::proxy::GuardedProxy;
use super::resolver::GuardedResolver;
use crate::domain::Bytes;
use crate::execution::nondeterminism::{NoAnswer, RenderMode, RenderRequest, Rendered, codes};

/// The status that the shown page came with; empty where there is none.
const STATUS: &str = "String(performance.getEntriesByType('navigation')[0]?.responseStatus || '')";

/// Its remote control uses the descriptors 3 and 4. The shell gives it those, for only unsafe code
/// could do so here.
const SHELL: &str = r#"exec "$@" 3<&0 4>&1 0</dev/null 1>/dev/null"#;

/// No name is resolved, no datagram sent, nothing asked for that is not the page's; `<-loopback>`
/// sends even loopback to the proxy.
const FLAGS: [&str; 23] = [
    "--headless=new",
    "--remote-debugging-pipe",
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--force-webrtc-ip-handling-policy",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-component-extensions-with-background-pages",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-breakpad",
    "--disable-features=OptimizationHints,MediaRouter,Translate,DialMediaRouteProvider",
    "--metrics-recording-only",
    "--mute-audio",
    "--hide-scrollbars",
    "--no-first-run",
    "--no-default-browser-check",
    "--window-size=1280,1024",
];

/// A browser that was found.
#[derive(Debug)]
pub(super) struct Browser {
    program: PathBuf,
    settings: WebSettings,
    resolver: GuardedResolver,
    permits: Arc<Semaphore>,
}

/// The browser with all its children; killed when dropped.
#[derive(Debug)]
struct Running {
    child: Child,
    group: Option<Pid>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // It may have ended already.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn search() -> Option<PathBuf> {
    const NAMES: [&str; 4] =
        ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let programs =
        NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    programs.into_iter().find(|program| program.is_file())
}

/// The node's fault.
fn broken(reason: impl std::fmt::Display) -> NoAnswer {
    NoAnswer::unavailable(codes::WEB_REQUEST_FAILED, format!("the browser failed: {reason}"))
}

/// The page's fault.
fn failed(url: &str, reason: impl std::fmt::Display) -> NoAnswer {
    let shown = super::short(url);
    NoAnswer::refused(
        codes::WEB_REQUEST_FAILED,
        format!("WEBPAGE_LOAD_FAILED: `{shown}`: {reason}"),
    )
}

impl Browser {
    /// The browser that the settings name, or one in `PATH`.
    pub(super) fn find(settings: &WebSettings, resolver: GuardedResolver) -> Option<Self> {
        let program = settings.browser.clone().or_else(search);
        let program = program.filter(|_| settings.browser_enabled)?;
        let permits = Arc::new(Semaphore::new(settings.renders_max.max(1)));
        Some(Self { program, settings: settings.clone(), resolver, permits })
    }

    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// Shows a page.
    pub(super) async fn render(
        &self,
        url: &Url,
        request: &RenderRequest,
    ) -> Result<Rendered, NoAnswer> {
        let permit = self.permits.acquire().await;
        let limit = self.settings.render_timeout;
        let shown = tokio::time::timeout(limit, self.show(url, request)).await;
        drop(permit);
        shown.unwrap_or_else(|_| {
            Err(failed(&request.url, format!("not shown within {} ms", limit.as_millis())))
        })
    }

    async fn show(&self, url: &Url, request: &RenderRequest) -> Result<Rendered, NoAnswer> {
        let budget = self.settings.render_transfer_bytes_max;
        let proxy = GuardedProxy::start(self.resolver.clone(), budget).await.map_err(broken)?;
        let profile = tempfile::Builder::new().prefix("agora-browser-").tempdir();
        let profile = profile.map_err(broken)?;
        let mut running = self.spawn(profile.path(), &proxy)?;
        let pipes = (running.child.stdin.take(), running.child.stdout.take());
        let (Some(input), Some(output)) = pipes else {
            return Err(broken("it has no pipes"));
        };
        let mut devtools = Devtools::new(input, output);
        if let Err(error) = devtools.attach().await {
            let said = std::fs::read_to_string(profile.path().join("stderr")).unwrap_or_default();
            let last = said.lines().last().unwrap_or_default();
            return Err(broken(format!("{error} ({})", super::short(last))));
        }
        let page = Page { url, request, proxy: &proxy, limit: self.settings.body_bytes_max };
        let shown = page.show(&mut devtools).await;
        // The children must be gone before their profile is.
        drop(running);
        shown
    }

    fn spawn(&self, profile: &Path, proxy: &GuardedProxy) -> Result<Running, NoAnswer> {
        let errors = std::fs::File::create(profile.join("stderr")).map_err(broken)?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SHELL, "sh"]).arg(&self.program).args(FLAGS);
        command.arg(format!("--user-data-dir={}", profile.display()));
        command.arg(format!("--proxy-server=http://{}", proxy.address()));
        if !self.settings.browser_sandbox.unwrap_or_else(|| !is_root()) {
            command.arg("--no-sandbox");
        }
        command.arg("about:blank");
        // Keys are in the environment; a browser that runs strangers' scripts must not have them.
        command.env_clear().env("HOME", profile).env("TMPDIR", profile).env("LANG", "C.UTF-8");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        command.process_group(0).kill_on_drop(true);
        let child = command.spawn().map_err(broken)?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        Ok(Running { child, group })
    }
}

/// One page on its way.
struct Page<'a> {
    url: &'a Url,
    request: &'a RenderRequest,
    proxy: &'a GuardedProxy,
    limit: usize,
}

impl Page<'_> {
    async fn show(&self, devtools: &mut Devtools) -> Result<Rendered, NoAnswer> {
        devtools.expect_load();
        let opened = devtools.call("Page.navigate", json!({"url": self.url.as_str()})).await;
        let opened = opened.map_err(broken)?;
        if let Some(error) = opened.get("errorText").and_then(Value::as_str) {
            self.check_host(self.url)?;
            return Err(failed(&self.request.url, error));
        }
        devtools.loaded().await.map_err(broken)?;
        tokio::time::sleep(self.request.wait).await;

        // The page's scripts have no part in a world of our own: they cannot change its answers.
        let frame = opened.get("frameId").cloned().unwrap_or_default();
        let world = devtools.call("Page.createIsolatedWorld", json!({"frameId": frame})).await;
        let world = world.map_err(broken)?.get("executionContextId").cloned().unwrap_or_default();
        let place = evaluate(devtools, &world, "document.location.href").await.map_err(broken)?;
        self.check_place(&place)?;
        let status = evaluate(devtools, &world, STATUS).await.map_err(broken)?;
        // Nothing is told of pages that did not come over the network.
        if let Some(error) = status.parse().ok().and_then(super::page_error) {
            return Err(NoAnswer::refused(codes::WEB_REQUEST_FAILED, error));
        }
        let expression = match self.request.mode {
            RenderMode::Screenshot => return self.picture(devtools).await,
            RenderMode::Text => "document.body ? document.body.innerText : ''",
            RenderMode::Html => {
                "(document.doctype ? new XMLSerializer().serializeToString(document.doctype) : '')
                 + (document.documentElement ? document.documentElement.outerHTML : '')"
            }
        };
        let text = evaluate(devtools, &world, expression).await.map_err(broken)?;
        if text.len() > self.limit {
            return Err(failed(&self.request.url, format!("longer than {} bytes", self.limit)));
        }
        Ok(Rendered::Text(text))
    }

    /// Is the page that is shown one that may be shown?
    fn check_place(&self, place: &str) -> Result<(), NoAnswer> {
        let shown = Url::parse(place).map_err(broken)?;
        if matches!(shown.scheme(), "http" | "https") {
            return self.check_host(&shown);
        }
        // The browser's own page about an error, perhaps after a redirect.
        self.check_host(self.url)?;
        Err(failed(&self.request.url, "it cannot be shown"))
    }

    fn check_host(&self, url: &Url) -> Result<(), NoAnswer> {
        match url.host_str() {
            Some(host) if self.proxy.has_refused(host) => {
                let reason = Forbidden::new(format!("it leads to `{host}`, which is not public"));
                Err(forbidden(&self.request.url, &reason))
            }
            _ => Ok(()),
        }
    }

    async fn picture(&self, devtools: &mut Devtools) -> Result<Rendered, NoAnswer> {
        let picture = devtools.call("Page.captureScreenshot", json!({"format": "png"})).await;
        let picture = picture.map_err(broken)?;
        let data = picture.get("data").and_then(Value::as_str).unwrap_or_default();
        let bytes = STANDARD.decode(data).map_err(broken)?;
        if bytes.len() > self.limit {
            return Err(failed(&self.request.url, format!("longer than {} bytes", self.limit)));
        }
        Ok(Rendered::Image(Bytes::from(bytes)))
    }
}

async fn evaluate(
    devtools: &mut Devtools,
    world: &Value,
    expression: &str,
) -> Result<String, DevtoolsError> {
    let params = json!({"expression": expression, "contextId": world, "returnByValue": true});
    let result = devtools.call("Runtime.evaluate", params).await?;
    let text = result.pointer("/result/value").and_then(Value::as_str);
    Ok(text.unwrap_or_default().to_owned())
}
