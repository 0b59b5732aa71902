//! Waiting reads and event streams.

use std::time::Duration;

use agora::api::ApiSettings;
use futures_util::StreamExt;
use serde_json::{Value as Json, json};
use tokio::time::{sleep, timeout};

use crate::support::{World, address, nowhere};

/// One event of a stream, or a comment.
#[derive(Debug, Clone, PartialEq)]
struct Frame {
    id: Option<i64>,
    event: String,
    data: Json,
}

/// An open event stream.
struct Stream {
    body: std::pin::Pin<Box<dyn futures_util::Stream<Item = Vec<u8>>>>,
    buffer: String,
}

impl Stream {
    async fn open(world: &World, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut request = world.client.get(format!("{}{path}", world.base));
        for header in headers {
            request = request.append_header(*header);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200, "{path}");
        assert_eq!(response.headers().get("content-type").unwrap(), "text/event-stream");
        let body = response.map(|chunk| chunk.unwrap().to_vec());
        Self { body: Box::pin(body), buffer: String::new() }
    }

    /// The next frame; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, rest)) = self.buffer.split_once("\n\n") {
                let frame = parse(frame);
                self.buffer = rest.into();
                return Some(frame);
            }
            let chunk = timeout(Duration::from_secs(10), self.body.next()).await;
            let chunk = chunk.expect("an event within ten seconds")?;
            self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    async fn rest(mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        frames
    }
}

fn parse(text: &str) -> Frame {
    let mut frame = Frame { id: None, event: String::new(), data: Json::Null };
    for line in text.lines() {
        match line.split_once(": ").unwrap() {
            ("id", id) => frame.id = Some(id.parse().unwrap()),
            ("event", event) => frame.event = event.into(),
            ("data", data) => frame.data = serde_json::from_str(data).unwrap(),
            ("", comment) => frame.event = format!("comment {comment}"),
            other => panic!("{other:?}"),
        }
    }
    frame
}

async fn transfer(world: &World, value: u64) -> String {
    let body = json!({ "type": "transfer", "from": address(0), "to": nowhere(), "value": value });
    let sent = world.post("/v1/transactions", &body).await.expect(202);
    sent["hash"].as_str().unwrap().to_owned()
}

fn statuses(frames: &[Frame]) -> Vec<&str> {
    frames.iter().filter_map(|frame| frame.data["status"].as_str()).collect()
}

#[actix_web::test]
async fn a_transaction_is_followed_from_its_first_event_to_its_last() {
    let world = World::open().await;
    let deploy = json!({ "type": "deploy", "from": address(0), "code": "x = 1" });
    let sent = world.post("/v1/transactions", &deploy).await.expect(202);
    let hash = sent["hash"].as_str().unwrap();
    let path = format!("/v1/transactions/{hash}/events");
    let live = Stream::open(&world, &path, &[]).await.rest().await;
    assert_eq!(live[0].event, "transaction_submitted");
    assert_eq!(
        statuses(&live),
        ["PROPOSING", "COMMITTING", "REVEALING", "ACCEPTED", "FINALIZED"],
        "{live:?}"
    );
    assert!(live.iter().all(|frame| frame.data["transaction"] == *hash));
    assert!(live.is_sorted_by_key(|frame| frame.id), "in order, each once");

    let replayed = Stream::open(&world, &path, &[]).await.rest().await;
    assert_eq!(replayed, live, "what is stored is what was told");
    let middle = live[2].id.unwrap().to_string();
    let later = Stream::open(&world, &format!("{path}?after={middle}"), &[]).await.rest().await;
    assert_eq!(later, live[3..]);
    let headers = [("Last-Event-ID", middle.as_str())];
    let later = Stream::open(&world, &format!("{path}?after=0"), &headers).await.rest().await;
    assert_eq!(later, live[3..], "the header wins");
    let last = live.last().unwrap().id.unwrap().to_string();
    let reply = world.request("GET", &path, &[("Last-Event-ID", &last)], None).await;
    assert_eq!(reply.status.as_u16(), 204, "an EventSource does not come back for ever");
    let bad = world.request("GET", &path, &[("Last-Event-ID", "x")], None).await;
    assert_eq!(bad.refusal(), (400, "invalid_field".into(), Some("Last-Event-ID".into())));
}

#[actix_web::test]
async fn the_network_is_followed_from_a_cursor_and_live() {
    let world = World::open().await;
    let first = transfer(&world, 1).await;
    world.wait(&first, "FINALIZED").await;
    let mut all = Stream::open(&world, "/v1/events?after=0", &[]).await;
    let mut now = Stream::open(&world, "/v1/events", &[]).await;
    assert_eq!(all.next().await.unwrap().data["transaction"], *first);
    let second = transfer(&world, 2).await;
    assert_eq!(now.next().await.unwrap().data["transaction"], *second, "only what is new");
    loop {
        let frame = all.next().await.unwrap();
        if frame.data["transaction"] == *second {
            assert_eq!(frame.event, "transaction_submitted");
            break;
        }
    }
}

#[actix_web::test]
async fn a_subscriber_that_fell_behind_misses_nothing() {
    let world = World::with_network(ApiSettings::default(), |settings| {
        settings.event_buffer = 1;
    })
    .await;
    let mut stream = Stream::open(&world, "/v1/events?after=0", &[]).await;
    let posts = (0..50).map(|value| {
        let body = json!({ "type": "transfer", "from": null, "to": nowhere(), "value": value + 1 });
        let world = &world;
        async move { world.post("/v1/transactions", &body).await.expect(202) }
    });
    futures_util::future::join_all(posts).await;
    let mut finalized = 0;
    let mut last = 0;
    while finalized < 50 {
        let frame = stream.next().await.unwrap();
        assert_eq!(frame.id, Some(last + 1), "no gap and no repetition");
        last = frame.id.unwrap();
        finalized += usize::from(frame.data["status"] == "FINALIZED");
    }
}

#[actix_web::test]
async fn an_idle_stream_is_kept_alive() {
    let settings =
        ApiSettings { stream_keep_alive: Duration::from_millis(50), ..ApiSettings::default() };
    let world = World::with(settings).await;
    let mut stream = Stream::open(&world, "/v1/events", &[("accept-encoding", "gzip")]).await;
    assert_eq!(stream.next().await.unwrap().event, "comment keep-alive");
}

#[actix_web::test]
async fn a_stream_that_its_client_left_is_closed() {
    let settings = ApiSettings {
        stream_keep_alive: Duration::from_millis(50),
        streams_max: 1,
        ..ApiSettings::default()
    };
    let world = World::with(settings).await;
    drop(Stream::open(&world, "/v1/events", &[]).await);
    for _ in 0..100 {
        let health = world.get("/health").await.json();
        let permits = health["permits"].as_array().unwrap();
        let streams = permits.iter().find(|permit| permit["name"] == "streams").unwrap();
        if streams["in_use"] == 0 {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("the stream's permit never came back");
}

#[actix_web::test]
async fn a_waiting_read_ends_when_the_status_is_reached() {
    let world = World::with_network(ApiSettings::default(), |settings| {
        settings.finality_window = Duration::from_secs(1);
    })
    .await;
    let deploy = json!({ "type": "deploy", "from": address(0), "code": "x = 1" });
    let sent = world.post("/v1/transactions", &deploy).await.expect(202);
    let path = format!("/v1/transactions/{}", sent["hash"].as_str().unwrap());
    for wait in ["ACCEPTED", "DECIDED"] {
        let decided = world.get(&format!("{path}?wait={wait}")).await.expect(200);
        assert_eq!(decided["status"], "ACCEPTED");
    }
    let present = world.get(&format!("{path}?wait=FINALIZED&timeout=0")).await.expect(200);
    assert_eq!(present["status"], "ACCEPTED", "no time, no wait");
    let finalized = world.get(&format!("{path}?wait=FINALIZED&timeout=10")).await.expect(200);
    assert_eq!(finalized["status"], "FINALIZED");
    assert!(finalized["finalized_at"].as_i64() >= finalized["final_from"].as_i64());
}

#[actix_web::test]
async fn a_waiting_read_answers_the_present_state_when_its_time_is_over() {
    let world = World::with_network(ApiSettings::default(), |settings| {
        settings.finality_window = Duration::from_hours(1);
    })
    .await;
    world.deploy().await;
    let page = world.get("/v1/transactions").await.expect(200);
    let hash = page["transactions"][0]["hash"].as_str().unwrap();
    let path = format!("/v1/transactions/{hash}?wait=FINALIZED&timeout=1");
    let answered = world.get(&path).await.expect(200);
    assert_eq!(answered["status"], "ACCEPTED");
}

#[actix_web::test]
async fn a_transaction_is_found_in_a_long_history() {
    let world = World::open().await;
    let mut hashes = Vec::new();
    for _ in 0..5 {
        let posts = (0..100).map(|value| {
            let body =
                json!({ "type": "transfer", "from": null, "to": nowhere(), "value": value + 1 });
            let world = &world;
            async move { world.post("/v1/transactions", &body).await.expect(202) }
        });
        hashes.extend(futures_util::future::join_all(posts).await);
    }
    let last = hashes.last().unwrap()["hash"].as_str().unwrap();
    world.wait(last, "FINALIZED").await;
    for submitted in [&hashes[0], &hashes[250], &hashes[499]] {
        let path = format!("/v1/transactions/{}/events", submitted["hash"].as_str().unwrap());
        let frames = Stream::open(&world, &path, &[]).await.rest().await;
        assert_eq!(frames[0].event, "transaction_submitted");
        assert_eq!(statuses(&frames), ["FINALIZED"]);
    }
}
