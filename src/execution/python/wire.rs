//! The bytes of frames: how lengths, texts, pages and messages are written and read.
//!
//! Reading trusts nothing: every length is checked against what is there, and nothing panics.

use super::eventlog::{EVENTS_BYTES_MAX, EVENTS_MAX, TOPICS_MAX};
use super::outbox::{MESSAGES_BYTES_MAX, MESSAGES_MAX, weight};
use crate::domain::{
    Address, Amount, Bytes, Digest, EmittedEvent, EmittedMessage, MessageBody, Page, PageKey,
    SlotId, Trigger, U256,
};

/// Puts a frame together.
#[derive(Debug, Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    /// A frame that begins with this tag.
    pub(super) fn tagged(tag: u8) -> Self {
        // Room for the length, which is known at the end.
        Self(vec![0, 0, 0, 0, tag])
    }

    /// A length or a count.
    pub(super) fn u32(&mut self, value: usize) {
        self.0.extend_from_slice(&u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes());
    }

    /// A length and that many bytes.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.u32(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// Several pieces of bytes.
    pub(super) fn blobs(&mut self, blobs: &[Bytes]) {
        self.u32(blobs.len());
        for blob in blobs {
            self.bytes(blob);
        }
    }

    /// Where a page is.
    pub(super) fn key(&mut self, key: &PageKey) {
        self.0.extend_from_slice(key.slot.0.as_bytes());
        self.0.extend_from_slice(&key.index.to_le_bytes());
    }

    /// Pages and where they are.
    pub(super) fn pages(&mut self, pages: &[(PageKey, Page)]) {
        self.u32(pages.len());
        for (key, page) in pages {
            self.key(key);
            self.bytes(page);
        }
    }

    /// Messages, in order.
    pub(super) fn messages(&mut self, messages: &[EmittedMessage]) {
        self.u32(messages.len());
        for message in messages {
            self.message(message);
        }
    }

    fn message(&mut self, message: &EmittedMessage) {
        self.0.push(match message.on {
            Trigger::Accepted => 0,
            Trigger::Finalized => 1,
        });
        self.0.extend_from_slice(&message.value.get().to_be_bytes::<32>());
        match &message.body {
            MessageBody::Call { to, calldata } => {
                self.0.push(0);
                self.0.extend_from_slice(to.as_bytes());
                self.bytes(calldata);
            }
            MessageBody::Deploy { code, calldata, salt } => {
                self.0.push(1);
                self.bytes(code);
                self.bytes(calldata);
                // No salt is written as zero, which is none either.
                self.0.extend_from_slice(&salt.unwrap_or_default().to_be_bytes::<32>());
            }
            MessageBody::Transfer { to } => {
                self.0.push(2);
                self.0.extend_from_slice(to.as_bytes());
            }
        }
    }

    /// Events, in order.
    pub(super) fn events(&mut self, events: &[EmittedEvent]) {
        self.u32(events.len());
        for event in events {
            self.u32(event.topics.len());
            for topic in &event.topics {
                self.0.extend_from_slice(topic.as_bytes());
            }
            self.bytes(&event.data);
        }
    }

    /// The frame, its length first.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let length = u32::try_from(self.0.len().saturating_sub(4)).unwrap_or(u32::MAX);
        if let Some(head) = self.0.get_mut(..4) {
            head.copy_from_slice(&length.to_le_bytes());
        }
        self.0
    }
}

/// Takes a frame's body apart; every step fails when there is less than it needs.
#[derive(Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next `length` bytes.
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// One byte.
    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A flag; nothing but 0 and 1 is one.
    pub(super) fn bool(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    /// A length or a count.
    pub(super) fn length(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.array()?)).ok()
    }

    /// A length and that many bytes.
    pub(super) fn bytes(&mut self) -> Option<Bytes> {
        let length = self.length()?;
        self.take(length).map(Bytes::copy_from_slice)
    }

    /// A length and that many bytes of UTF-8.
    pub(super) fn text(&mut self) -> Option<String> {
        let length = self.length()?;
        self.take(length).and_then(|bytes| String::from_utf8(bytes.to_vec()).ok())
    }

    /// Where a page is.
    pub(super) fn key(&mut self) -> Option<PageKey> {
        let slot = SlotId(Digest::new(self.array()?));
        Some(PageKey { slot, index: u32::from_le_bytes(self.array()?) })
    }

    /// `count` items; no room is set aside for more than can be there.
    pub(super) fn list<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.length()?;
        let mut items = Vec::with_capacity(count.min(self.0.len() / 4));
        for _ in 0..count {
            items.push(read(self)?);
        }
        Some(items)
    }

    /// Pages and where they are.
    pub(super) fn pages(&mut self) -> Option<Vec<(PageKey, Page)>> {
        self.list(|reader| Some((reader.key()?, reader.bytes()?)))
    }

    /// Messages, no more and no larger than one execution may send.
    pub(super) fn messages(&mut self) -> Option<Vec<EmittedMessage>> {
        let count = self.length().filter(|count| *count <= MESSAGES_MAX)?;
        let mut messages = Vec::new();
        let mut bytes = 0;
        for _ in 0..count {
            let message = self.message()?;
            bytes += weight(&message.body);
            if bytes > MESSAGES_BYTES_MAX {
                return None;
            }
            messages.push(message);
        }
        Some(messages)
    }

    /// Events, no more and no larger than one execution may emit.
    pub(super) fn events(&mut self) -> Option<Vec<EmittedEvent>> {
        let count = self.length().filter(|count| *count <= EVENTS_MAX)?;
        let mut events = Vec::new();
        let mut bytes = 0;
        for _ in 0..count {
            let topics = self.list(|reader| reader.array().map(Digest::new))?;
            let data = self.bytes()?;
            bytes += data.len();
            if topics.len() > TOPICS_MAX || bytes > EVENTS_BYTES_MAX {
                return None;
            }
            events.push(EmittedEvent { topics, data });
        }
        Some(events)
    }

    fn message(&mut self) -> Option<EmittedMessage> {
        let on = match self.u8()? {
            0 => Trigger::Accepted,
            1 => Trigger::Finalized,
            _ => return None,
        };
        let value = Amount::new(self.number()?);
        let body = match self.u8()? {
            0 => MessageBody::Call { to: Address::new(self.array()?), calldata: self.bytes()? },
            1 => {
                let (code, calldata) = (self.bytes()?, self.bytes()?);
                let salt = self.number().map(|salt| (!salt.is_zero()).then_some(salt))?;
                MessageBody::Deploy { code, calldata, salt }
            }
            2 => MessageBody::Transfer { to: Address::new(self.array()?) },
            _ => return None,
        };
        Some(EmittedMessage { on, value, body })
    }

    fn number(&mut self) -> Option<U256> {
        self.array().map(U256::from_be_bytes::<32>)
    }

    /// The value, when nothing is left.
    pub(super) fn end<T>(self, value: T) -> Option<T> {
        self.0.is_empty().then_some(value)
    }
}
