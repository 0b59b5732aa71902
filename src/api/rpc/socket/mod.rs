//! `/ws`: Studio's frames (`reference/studio.md` section 4.10), and JSON-RPC with subscriptions, on
//! one socket. A frame with `jsonrpc` in it is a call, one with `event` is Studio's.

mod frames;
mod rooms;
mod subscriptions;

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, Session};
use futures_util::StreamExt;
use serde_json::Value as Json;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, MissedTickBehavior};

use self::rooms::{Incoming, Rooms};
use self::subscriptions::Subscriptions;
use super::caller::Caller;
use super::protocol::{answer_body, has_admin_key};
use super::state::Announcement;
use crate::api::error::ApiError;
use crate::api::rate::Requester;
use crate::api::server::Api;
use crate::domain::Event;
use crate::domain::ledger::StoreError;

/// How often the chain is looked at for those who follow it.
const HEAD_INTERVAL: Duration = Duration::from_secs(1);
/// Events that one read of the store answers after a follower fell behind.
const REPLAY_PAGE: usize = 500;

/// `GET /ws`.
pub(in crate::api) async fn connect(
    api: Data<Api>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, actix_web::Error> {
    let followed = async {
        let permit = api.limits.stream()?;
        let live = api.handles.subscribe().await?;
        let cursor = api.handles.last_cursor().await?;
        Ok::<_, ApiError>((permit, live, cursor))
    };
    let (permit, live, cursor) = match followed.await {
        Ok(followed) => followed,
        Err(error) => return Ok(error.error_response()),
    };
    let is_admin = has_admin_key(&api, &request);
    let (response, session, stream) = actix_ws::handle(&request, payload)?;
    let size = api.settings.body_bytes_max;
    let stream = stream.max_frame_size(size).aggregate_continuations().max_continuation_size(size);
    let announcements = api.rpc.announcements();
    let connection = Connection {
        caller: Caller { api, is_admin },
        session,
        rooms: Rooms::default(),
        subscriptions: Subscriptions::default(),
        requester: Requester::new(request.peer_addr().map(|peer| peer.ip()), request.headers()),
        cursor,
        _permit: permit,
    };
    actix_web::rt::spawn(connection.run(stream, live, announcements));
    Ok(response)
}

/// One client.
struct Connection {
    caller: Caller,
    session: Session,
    rooms: Rooms,
    subscriptions: Subscriptions,
    /// Whom the rate limit counts.
    requester: Requester,
    /// The last event that was looked at.
    cursor: i64,
    _permit: OwnedSemaphorePermit,
}

/// The client is gone, or nothing can be told to it any more.
#[derive(Debug)]
struct Ended;

impl From<actix_ws::Closed> for Ended {
    fn from(_: actix_ws::Closed) -> Self {
        Self
    }
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        log::warn!(target: "api", "a socket ended early: {error}");
        Self
    }
}

impl Connection {
    async fn run(
        mut self,
        mut stream: AggregatedMessageStream,
        mut live: Receiver<Arc<Event>>,
        mut announcements: Receiver<Announcement>,
    ) {
        let id = format!("{:x}", self.cursor.unsigned_abs());
        if self.send(&frames::connect(&id)).await.is_err() {
            return;
        }
        let pause = self.caller.api.settings.stream_keep_alive.max(Duration::from_millis(1));
        let mut pings = tokio::time::interval_at(Instant::now() + pause, pause);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heads = tokio::time::interval_at(Instant::now() + HEAD_INTERVAL, HEAD_INTERVAL);
        heads.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let step = tokio::select! {
                biased;
                message = stream.next() => match message {
                    Some(Ok(message)) => self.received(message).await,
                    Some(Err(error)) => {
                        let reason = CloseReason {
                            code: CloseCode::Size,
                            description: Some(error.to_string()),
                        };
                        let _closed = self.session.clone().close(Some(reason)).await;
                        Err(Ended)
                    }
                    None => Err(Ended),
                },
                event = live.recv() => match event {
                    Ok(event) => self.happened(&event).await,
                    Err(RecvError::Lagged(_)) => self.catch_up().await,
                    Err(RecvError::Closed) => Err(Ended),
                },
                announced = announcements.recv() => match announced {
                    Ok(Announcement { name, data }) => {
                        self.send(&frames::push(name, "RPC", "", &data, None)).await
                    }
                    Err(_) => Ok(()),
                },
                _ = heads.tick(), if !self.subscriptions.is_empty() => self.look_at_chain(true).await,
                _ = pings.tick() => self.session.ping(b"").await.map_err(Ended::from),
            };
            if step.is_err() {
                break;
            }
        }
        let _closed = self.session.close(None).await;
    }

    async fn send(&mut self, frame: &Json) -> Result<(), Ended> {
        Ok(self.session.text(frame.to_string()).await?)
    }

    async fn received(&mut self, message: AggregatedMessage) -> Result<(), Ended> {
        match message {
            AggregatedMessage::Text(text) => self.said(text.as_bytes()).await,
            AggregatedMessage::Binary(bytes) => self.said(&bytes).await,
            AggregatedMessage::Ping(bytes) => Ok(self.session.pong(&bytes).await?),
            AggregatedMessage::Pong(_) => Ok(()),
            AggregatedMessage::Close(_) => Err(Ended),
        }
    }

    /// A frame of the client, which counts as a request.
    async fn said(&mut self, body: &[u8]) -> Result<(), Ended> {
        let depth_max = self.caller.api.settings.json_depth_max;
        let frame = crate::api::input::read_json(body, depth_max).ok();
        let is_call = |frame: &Json| frame.is_array() || frame.get("jsonrpc").is_some();
        if let Err(refused) = self.caller.api.count(&self.requester).await {
            return self.send(&frames::refused(refused, frame.filter(is_call).as_ref())).await;
        }
        let Some(frame) = frame else { return self.send(&frames::invalid_json()).await };
        if is_call(&frame) {
            return self.called(&frame, body).await;
        }
        let (answers, entered) = match self.rooms.received(&frame) {
            Incoming::Answers(answers) => (answers, Vec::new()),
            Incoming::Entered(answers, rooms) => (answers, rooms),
            Incoming::Unknown => (vec![frames::error("Unknown event")], Vec::new()),
        };
        for answer in answers {
            self.send(&answer).await?;
        }
        // Clients subscribe once they know the name; by then all may be over.
        for hash in entered.iter().filter_map(|room| room.parse().ok()) {
            for frame in frames::so_far(&self.caller, hash).await? {
                self.send(&frame).await?;
            }
        }
        Ok(())
    }

    /// A JSON-RPC call; those about subscriptions are only known here.
    async fn called(&mut self, frame: &Json, body: &[u8]) -> Result<(), Ended> {
        if let Some(answer) = self.subscriptions.call(&self.caller, frame).await {
            return self.send(&answer).await;
        }
        match answer_body(&self.caller, body).await {
            Some(text) => Ok(self.session.text(text).await?),
            None => Ok(()),
        }
    }

    /// The client heard nothing for too long to be told one by one: what it missed is stored.
    async fn catch_up(&mut self) -> Result<(), Ended> {
        loop {
            let handles = &self.caller.api.handles;
            let missed = handles.events_after(self.cursor, REPLAY_PAGE).await?;
            if missed.is_empty() {
                return Ok(());
            }
            for event in &missed {
                self.happened(event).await?;
            }
        }
    }

    async fn happened(&mut self, event: &Event) -> Result<(), Ended> {
        if event.cursor <= self.cursor {
            return Ok(());
        }
        self.cursor = event.cursor;
        for frame in frames::of_event(&self.caller, event, &self.rooms).await? {
            self.send(&frame).await?;
        }
        if self.subscriptions.is_empty() { Ok(()) } else { self.look_at_chain(false).await }
    }

    /// Tells those who follow the chain what it has grown by.
    async fn look_at_chain(&mut self, is_waiting: bool) -> Result<(), Ended> {
        let head = if is_waiting {
            self.caller.head_while_waiting().await
        } else {
            self.caller.head().await
        };
        let Ok(head) = head else { return Ok(()) };
        loop {
            match self.subscriptions.news(&self.caller, head).await {
                Ok(None) => return Ok(()),
                Ok(Some(frames)) => {
                    for frame in frames {
                        self.send(&frame).await?;
                    }
                }
                // What could not be read is read at the next look.
                Err(error) => {
                    log::warn!(target: "api", "news wait for the next look: {error:?}");
                    return Ok(());
                }
            }
        }
    }
}
