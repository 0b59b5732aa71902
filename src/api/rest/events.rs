//! Server-sent events: what was stored first, and then what happens.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use super::transactions::read;
use super::{Answer, path_hash};
use crate::api::error::ApiError;
use crate::api::input::{Fields, invalid, plain_integer};
use crate::api::server::Api;
use crate::domain::ledger::StoreError;
use crate::domain::{Event, EventKind, Timestamp, TxHash};

/// Events one read of the store answers.
const REPLAY_PAGE: usize = 500;
/// Frames that wait for a slow client; the store waits with the rest.
const FRAMES_MAX: usize = 64;

/// Follow one transaction.
///
/// Replays its stored events after the cursor (header `Last-Event-ID`, or `after`; all of them by
/// default), follows it live and ends when it is FINALIZED or CANCELED. The id of an event is its
/// cursor. Comments every 15 seconds keep the stream alive. Where nothing can follow the cursor
/// any more, the answer is 204, which tells an `EventSource` not to come back.
#[utoipa::path(get, path = "/v1/transactions/{hash}/events", tag = "events",
    params(("hash" = String, Path, description = "The transaction"),
        ("after" = Option<i64>, Query, description = "Cursor of the last event known; 0 by default"),
        ("Last-Event-ID" = Option<i64>, Header, description = "The same, as an EventSource sends it")),
    responses((status = 200, description = "Events", body = String, content_type = "text/event-stream"),
        (status = 204, description = "Nothing can follow any more")))]
pub(super) async fn of_transaction(
    api: Data<Api>,
    request: HttpRequest,
    hash: Path<String>,
) -> Answer {
    let hash = path_hash(&hash)?;
    let after = cursor(&request)?;
    let record = read(&api, hash).await?;
    let start = before_first(&api, hash, record.submitted_at).await?.max(after.unwrap_or(0));
    if after.is_some() && record.status.is_terminal() {
        let rest = Follower { api: &api, only: Some(hash), cursor: start, restored: 0 };
        if !rest.has_more().await? {
            return Ok(HttpResponse::NoContent().finish());
        }
    }
    stream(api, Some(hash), start).await
}

/// Follow everything.
///
/// Replays stored events after the cursor (header `Last-Event-ID`, or `after`) and follows the
/// network live. Without a cursor it starts with what happens next; `after=0` replays all.
#[utoipa::path(get, path = "/v1/events", tag = "events",
    params(("after" = Option<i64>, Query, description = "Cursor of the last event known"),
        ("Last-Event-ID" = Option<i64>, Header, description = "The same, as an EventSource sends it")),
    responses((status = 200, description = "Events", body = String, content_type = "text/event-stream")))]
pub(super) async fn of_network(api: Data<Api>, request: HttpRequest) -> Answer {
    let after = match cursor(&request)? {
        Some(after) => after,
        None => api.handles.last_cursor().await?,
    };
    stream(api, None, after).await
}

/// The last event the client knows. The header wins, because an `EventSource` that comes back
/// sends it beside its first address.
fn cursor(request: &HttpRequest) -> Result<Option<i64>, ApiError> {
    const NAME: &str = "Last-Event-ID";
    let mut query = Fields::of_query(request)?;
    let after = query.integer("after", 0..=i64::MAX.unsigned_abs())?;
    query.finish()?;
    let header = request.headers().get(NAME).filter(|value| !value.is_empty());
    let Some(header) = header else { return Ok(after.and_then(|after| after.try_into().ok())) };
    let text = header.to_str().unwrap_or_default();
    let number = plain_integer(text).and_then(|number| i64::try_from(number).ok());
    let valid = "the id of an event";
    number.map(Some).ok_or_else(|| invalid(NAME, &text.into(), valid))
}

/// A cursor before the first event of a transaction, near it if possible.
///
/// Instants grow with cursors, except that a step may be written a little after it was reached. So
/// the search can miss; then the first event found is no submission, and all events are read.
async fn before_first(api: &Api, hash: TxHash, at: Timestamp) -> Result<i64, StoreError> {
    let page = i64::try_from(REPLAY_PAGE).unwrap_or(i64::MAX);
    let (mut low, mut high) = (0, api.handles.last_cursor().await?);
    while high.saturating_sub(low) > page {
        let middle = low.midpoint(high);
        match api.handles.events_after(middle, 1).await?.first() {
            Some(event) if event.at < at => low = middle,
            _ => high = middle,
        }
    }
    for event in api.handles.events_after(low, 2 * REPLAY_PAGE).await? {
        if event.transaction == hash {
            let is_first = event.kind == EventKind::TransactionSubmitted;
            return Ok(if is_first { event.cursor.saturating_sub(1) } else { 0 });
        }
    }
    Ok(0)
}

async fn stream(api: Data<Api>, only: Option<TxHash>, after: i64) -> Answer {
    let permit = api.limits.stream()?;
    // Subscribed before the replay, so that nothing falls between.
    let live = api.handles.subscribe().await?;
    let (frames, receiver) = mpsc::channel(FRAMES_MAX);
    actix_web::rt::spawn(async move { follow(&api, only, after, live, frames, permit).await });
    let body = futures_util::stream::unfold(receiver, |mut receiver| async move {
        let frame = receiver.recv().await?;
        Some((Ok::<Bytes, std::convert::Infallible>(frame), receiver))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-cache, no-transform"))
        // Says that it is not to be compressed: a compressor would hold events back.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(body))
}

/// What one client wants, and how far it is.
struct Follower<'a> {
    api: &'a Api,
    only: Option<TxHash>,
    cursor: i64,
    /// The event of the last restore: what earlier ones tell may be undone.
    restored: i64,
}

/// Whether a stream goes on.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Continue,
    End,
}

impl Follower<'_> {
    fn wants(&self, event: &Event) -> bool {
        self.only.is_none_or(|hash| event.concerns(hash))
    }

    /// Is anything stored that this client does not know?
    async fn has_more(mut self) -> Result<bool, StoreError> {
        loop {
            let page = self.api.handles.events_after(self.cursor, REPLAY_PAGE).await?;
            let Some(last) = page.last() else { return Ok(false) };
            if page.iter().any(|event| self.wants(event)) {
                return Ok(true);
            }
            self.cursor = last.cursor;
        }
    }

    /// Sends what is stored already.
    async fn start(&mut self, frames: &mpsc::Sender<Bytes>) -> Result<Next, StoreError> {
        self.restored = self.api.handles.last_restoration().await?;
        self.replay(frames).await
    }

    /// Sends everything stored after the cursor.
    async fn replay(&mut self, frames: &mpsc::Sender<Bytes>) -> Result<Next, StoreError> {
        loop {
            let page = self.api.handles.events_after(self.cursor, REPLAY_PAGE).await?;
            if page.is_empty() {
                return Ok(Next::Continue);
            }
            for event in &page {
                if self.send(event, frames).await == Next::End {
                    return Ok(Next::End);
                }
            }
        }
    }

    /// Sends one event if it is wanted and new.
    async fn send(&mut self, event: &Event, frames: &mpsc::Sender<Bytes>) -> Next {
        if event.cursor <= self.cursor {
            return Next::Continue;
        }
        self.cursor = event.cursor;
        if !self.wants(event) {
            return Next::Continue;
        }
        if frames.send(frame(event)).await.is_err() {
            return Next::End;
        }
        let is_last = self.only.is_some()
            && event.cursor > self.restored
            && matches!(event.kind, EventKind::StatusChanged { status, .. } if status.is_terminal());
        if is_last { Next::End } else { Next::Continue }
    }
}

async fn follow(
    api: &Api,
    only: Option<TxHash>,
    after: i64,
    mut live: Receiver<Arc<Event>>,
    frames: mpsc::Sender<Bytes>,
    _permit: OwnedSemaphorePermit,
) {
    let pause = api.settings.stream_keep_alive.max(Duration::from_millis(1));
    let mut follower = Follower { api, only, cursor: after, restored: 0 };
    let mut next = follower.start(&frames).await;
    let mut ticks = tokio::time::interval_at(Instant::now() + pause, pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while next == Ok(Next::Continue) {
        next = tokio::select! {
            biased;
            () = frames.closed() => Ok(Next::End),
            _ = ticks.tick() => {
                let sent = frames.send(Bytes::from_static(b": keep-alive\n\n")).await;
                Ok(if sent.is_ok() { Next::Continue } else { Next::End })
            }
            event = live.recv() => match event {
                Ok(event) => Ok(follower.send(&event, &frames).await),
                Err(RecvError::Lagged(_)) => follower.replay(&frames).await,
                Err(RecvError::Closed) => Ok(Next::End),
            },
        };
    }
    if let Err(error) = next {
        log::warn!(target: "api", "an event stream ended early: {error}");
    }
}

/// An event as server-sent events write it.
fn frame(event: &Event) -> Bytes {
    let name = match event.kind {
        EventKind::TransactionSubmitted => "transaction_submitted",
        EventKind::StatusChanged { .. } => "status_changed",
        EventKind::AppealOpened { .. } => "appeal_opened",
        EventKind::AppealClosed { .. } => "appeal_closed",
        EventKind::NetworkRestored { .. } => "network_restored",
    };
    let data = serde_json::to_string(event).unwrap_or_default();
    Bytes::from(format!("id: {}\nevent: {name}\ndata: {data}\n\n", event.cursor))
}
