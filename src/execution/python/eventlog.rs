//! The events of one execution.

use crate::domain::{Bytes, Digest, EmittedEvent};

/// Most events one execution may emit.
pub(super) const EVENTS_MAX: usize = 1024;
/// Most bytes the fields of all of them may have together.
pub(super) const EVENTS_BYTES_MAX: usize = 1 << 20;
/// Most topics of one event.
pub(super) const TOPICS_MAX: usize = 4;

/// Why an event was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum EventError {
    /// One event more than allowed.
    #[error("one call can emit at most {EVENTS_MAX} events")]
    TooMany,
    /// More bytes than allowed.
    #[error("the events of one call can have at most {EVENTS_BYTES_MAX} bytes")]
    TooLarge,
    /// Topics of a wrong size, or too many.
    #[error("an event has at most {TOPICS_MAX} topics of 32 bytes")]
    Topics,
}

/// The events so far.
#[derive(Debug, Default)]
pub(super) struct EventLog {
    events: Vec<EmittedEvent>,
    bytes: usize,
}

impl EventLog {
    /// Takes an event, or leaves everything as it is.
    pub(super) fn emit(&mut self, topics: &[u8], data: Bytes) -> Result<(), EventError> {
        if self.events.len() >= EVENTS_MAX {
            return Err(EventError::TooMany);
        }
        let (topics, rest) = topics.as_chunks::<32>();
        if !rest.is_empty() || topics.len() > TOPICS_MAX {
            return Err(EventError::Topics);
        }
        let bytes = self.bytes.saturating_add(data.len());
        if bytes > EVENTS_BYTES_MAX {
            return Err(EventError::TooLarge);
        }
        self.bytes = bytes;
        let topics = topics.iter().map(|topic| Digest::new(*topic)).collect();
        self.events.push(EmittedEvent { topics, data });
        Ok(())
    }

    /// How much was emitted until now.
    pub(super) const fn mark(&self) -> (usize, usize) {
        (self.events.len(), self.bytes)
    }

    /// Takes back what was emitted since.
    pub(super) fn restore(&mut self, (count, bytes): (usize, usize)) {
        self.events.truncate(count);
        self.bytes = bytes;
    }

    /// Everything that was emitted, in order.
    pub(super) fn into_events(self) -> Vec<EmittedEvent> {
        self.events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_their_limits() {
        let mut log = EventLog::default();
        assert_eq!(log.emit(&[0; 33], Bytes::new()), Err(EventError::Topics));
        assert_eq!(log.emit(&[0; 160], Bytes::new()), Err(EventError::Topics));
        let large = Bytes::from(vec![0; EVENTS_BYTES_MAX]);
        assert_eq!(log.emit(&[0; 128], large), Ok(()));
        assert_eq!(log.emit(&[], Bytes::from_static(b"1")), Err(EventError::TooLarge));
        for _ in 1..EVENTS_MAX {
            assert_eq!(log.emit(&[], Bytes::new()), Ok(()));
        }
        assert_eq!(log.emit(&[], Bytes::new()), Err(EventError::TooMany));
        assert_eq!(log.into_events().len(), EVENTS_MAX);
    }
}
