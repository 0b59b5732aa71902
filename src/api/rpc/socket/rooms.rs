//! Which news one client of Studio's protocol wants.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::frames;

/// Rooms of one client, at most.
const ROOMS_MAX: usize = 10_000;
/// Bytes of a room's name, at most.
const NAME_BYTES_MAX: usize = 200;

/// Transactions, accounts and sessions whose news are wanted, by name in lower case: addresses
/// come in every letter case.
#[derive(Debug, Default)]
pub(super) struct Rooms(BTreeSet<String>);

/// What a frame of a client leads to.
#[derive(Debug, PartialEq)]
pub(super) enum Incoming {
    /// Frames to send back.
    Answers(Vec<Json>),
    /// The same, and the rooms that the client is in from now on.
    Entered(Vec<Json>, Vec<String>),
    /// It is none of the protocol's.
    Unknown,
}

impl Rooms {
    /// Does the client want news of this transaction, account or session?
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(&name.to_lowercase())
    }

    /// Reads a frame of the client.
    pub(super) fn received(&mut self, frame: &Json) -> Incoming {
        let data = frame.get("data").unwrap_or(&Json::Null);
        match frame.get("event").and_then(Json::as_str) {
            Some("ping") => {
                let timestamp = data.get("timestamp").cloned().unwrap_or(Json::Null);
                Incoming::Answers(vec![json!({
                    "event": "pong", "data": { "timestamp": timestamp },
                })])
            }
            Some("subscribe") => {
                let rooms: Vec<String> = named(data).collect();
                let answers = rooms.iter().map(|room| self.enter(room)).collect();
                Incoming::Entered(answers, rooms)
            }
            Some("unsubscribe") => {
                Incoming::Answers(named(data).map(|it| self.leave(&it)).collect())
            }
            _ => Incoming::Unknown,
        }
    }

    fn enter(&mut self, room: &str) -> Json {
        if room.len() > NAME_BYTES_MAX || self.0.len() >= ROOMS_MAX {
            return frames::error("Too many rooms, or a name that is too long");
        }
        self.0.insert(room.to_lowercase());
        json!({ "event": "subscribed", "data": { "room": room } })
    }

    fn leave(&mut self, room: &str) -> Json {
        self.0.remove(&room.to_lowercase());
        json!({ "event": "unsubscribed", "data": { "room": room } })
    }
}

/// One name, or many of them.
fn named(data: &Json) -> impl Iterator<Item = String> {
    let one = data.as_str().map(str::to_owned);
    let many = data.as_array().cloned().unwrap_or_default();
    let many = many.into_iter().filter_map(|name| name.as_str().map(str::to_owned));
    one.into_iter().chain(many)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_entered_and_left_in_any_letter_case() {
        let mut rooms = Rooms::default();
        let frame = json!({ "event": "subscribe", "data": ["0xAB", "x"] });
        let Incoming::Entered(answers, _) = rooms.received(&frame) else { panic!("no answers") };
        assert_eq!(answers[0], json!({ "event": "subscribed", "data": { "room": "0xAB" } }));
        assert!(rooms.has("0xab") && rooms.has("X"));
        rooms.received(&json!({ "event": "unsubscribe", "data": "0xaB" }));
        assert!(!rooms.has("0xab"));
    }

    #[test]
    fn a_ping_is_answered_with_its_time() {
        let ping = json!({ "event": "ping", "data": { "timestamp": 7 } });
        let answer = json!({ "event": "pong", "data": { "timestamp": 7 } });
        assert_eq!(Rooms::default().received(&ping), Incoming::Answers(vec![answer]));
        assert_eq!(Rooms::default().received(&json!({ "event": "dance" })), Incoming::Unknown);
    }

    #[test]
    fn there_are_only_so_many_rooms() {
        let mut rooms = Rooms::default();
        for number in 0..ROOMS_MAX {
            rooms.enter(&number.to_string());
        }
        assert_eq!(rooms.enter("one more")["event"], "error");
        assert_eq!(Rooms::default().enter(&"x".repeat(1_000))["event"], "error");
    }
}
