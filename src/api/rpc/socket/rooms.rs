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
    /// The same, and the rooms that the client is in from now on and was not before.
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
                let (mut answers, mut entered) = (Vec::new(), Vec::new());
                for room in named(data) {
                    let (answer, is_new) = self.enter(&room);
                    answers.push(answer);
                    entered.extend(is_new.then_some(room));
                }
                Incoming::Entered(answers, entered)
            }
            Some("unsubscribe") => {
                Incoming::Answers(named(data).map(|it| self.leave(&it)).collect())
            }
            _ => Incoming::Unknown,
        }
    }

    /// The answer, and whether the client was not in the room before.
    fn enter(&mut self, room: &str) -> (Json, bool) {
        if room.len() > NAME_BYTES_MAX || self.0.len() >= ROOMS_MAX && !self.has(room) {
            return (frames::error("Too many rooms, or a name that is too long"), false);
        }
        let is_new = self.0.insert(room.to_lowercase());
        (json!({ "event": "subscribed", "data": { "room": room } }), is_new)
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
        assert_eq!(rooms.enter("one more").0["event"], "error");
        assert_eq!(rooms.enter("7").0["event"], "subscribed", "it is in there already");
        assert_eq!(Rooms::default().enter(&"x".repeat(1_000)).0["event"], "error");
    }

    #[test]
    fn only_rooms_that_are_new_are_entered() {
        let mut rooms = Rooms::default();
        let long = "x".repeat(1_000);
        let frame = json!({ "event": "subscribe", "data": ["a", "A", long] });
        let Incoming::Entered(answers, entered) = rooms.received(&frame) else { panic!("none") };
        assert_eq!((answers.len(), entered), (3, vec!["a".to_owned()]));
        let Incoming::Entered(answers, entered) = rooms.received(&frame) else { panic!("none") };
        assert_eq!((answers.len(), entered.len()), (3, 0));
    }
}
