//! What parent and worker say to each other: length-prefixed frames with a binary body.
//!
//! The parent trusts nothing in a frame from a worker: every length is checked against what is
//! there, every size has a limit, and decoding never panics.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::job::{Job, read_job, write_job};
use super::wire::{Reader, Writer};
use crate::domain::{Bytes, EmittedEvent, EmittedMessage, Page, PageKey};

/// Largest body of a frame to a worker, in bytes.
pub(super) const TO_WORKER_BYTES_MAX: usize = 256 << 20;
/// Largest body of a frame from a worker, in bytes.
pub(super) const FROM_WORKER_BYTES_MAX: usize = 48 << 20;
/// Most pages a worker may ask for at once.
pub(super) const PAGES_ASKED_MAX: usize = 4096;

/// A frame to a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ToWorker {
    /// A job.
    Job(Box<Job>),
    /// The source that was asked for.
    Code(Bytes),
    /// The pages that were asked for, in that order.
    Pages(Vec<Page>),
    /// The answer to a question, as a map in calldata.
    Answer(Bytes),
}

/// How a worker says a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    /// 0 return, 1 user error, 2 machine error.
    pub(super) kind: u8,
    /// Calldata, or UTF-8 text.
    pub(super) payload: Bytes,
    /// Pages that changed.
    pub(super) pages: Vec<(PageKey, Page)>,
    /// The contract's code from now on, when it replaced it.
    pub(super) code: Option<Bytes>,
    /// Messages the contract sent.
    pub(super) messages: Vec<EmittedMessage>,
    /// Events the contract emitted.
    pub(super) events: Vec<EmittedEvent>,
    /// The outputs of its non-deterministic blocks that count.
    pub(super) blocks: Vec<Bytes>,
    /// The first block whose leader's output is not accepted.
    pub(super) disagreed: Option<u32>,
    /// What was printed.
    pub(super) stdout: String,
    /// Traceback and warnings.
    pub(super) stderr: String,
    /// CPU time, in microseconds.
    pub(super) cpu_micros: u64,
}

/// Which locks hold in a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each lock is there or is not")]
pub(super) struct Locks {
    /// Landlock.
    pub(super) landlock: bool,
    /// The system call filter.
    pub(super) seccomp: bool,
    /// Resource limits.
    pub(super) rlimits: bool,
    /// No new privileges.
    pub(super) no_new_privs: bool,
}

/// How a process ends to which the system refused what a job needs.
pub(super) const EXIT_SYSTEM: i32 = 71;

/// How a process ends that served one contract's code, when the next job is of another.
pub(super) const EXIT_USED: i32 = 72;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl From<ExitStatus> for Ended {
    fn from(status: ExitStatus) -> Self {
        match status.signal() {
            Some(signal) => Self::Signal(signal),
            None => Self::Code(status.code().unwrap_or(-1)),
        }
    }
}

/// A frame from a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FromWorker {
    /// Warm, locked and waiting.
    Hello(Locks),
    /// The source of the job's code is not here.
    NeedCode,
    /// These pages are needed.
    ReadPages(Vec<PageKey>),
    /// The contract asks something.
    Ask {
        /// The non-deterministic block it happens in, or would be next.
        block: u32,
        /// What is asked, as a map in calldata.
        question: Bytes,
    },
    /// The job ended.
    Done(Box<Report>),
    /// The worker waits for the next job; nothing of the last one is left, or all of it went with
    /// its process, that ended so.
    Ready(Ended),
}

impl ToWorker {
    /// The whole frame, its length first.
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Job(job) => write_job(Writer::tagged(0), job),
            Self::Code(source) => {
                let mut writer = Writer::tagged(1);
                writer.bytes(source);
                writer.finish()
            }
            Self::Pages(pages) => {
                let mut writer = Writer::tagged(2);
                writer.blobs(pages);
                writer.finish()
            }
            Self::Answer(answer) => {
                let mut writer = Writer::tagged(3);
                writer.bytes(answer);
                writer.finish()
            }
        }
    }

    /// Reads a frame's body.
    pub(super) fn decode(body: &[u8]) -> Option<Self> {
        let mut reader = Reader(body);
        let frame = match reader.u8()? {
            0 => Self::Job(Box::new(read_job(&mut reader)?)),
            1 => Self::Code(reader.bytes()?),
            2 => Self::Pages(reader.list(Reader::bytes)?),
            3 => Self::Answer(reader.bytes()?),
            _ => return None,
        };
        reader.end(frame)
    }
}

impl FromWorker {
    /// The whole frame, its length first.
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Hello(locks) => {
                let mut writer = Writer::tagged(0);
                let locks = [locks.landlock, locks.seccomp, locks.rlimits, locks.no_new_privs];
                writer.0.extend(locks.map(u8::from));
                writer.finish()
            }
            Self::NeedCode => Writer::tagged(1).finish(),
            Self::ReadPages(keys) => {
                let mut writer = Writer::tagged(2);
                writer.u32(keys.len());
                for key in keys {
                    writer.key(key);
                }
                writer.finish()
            }
            Self::Done(report) => {
                let mut writer = Writer::tagged(3);
                writer.0.push(report.kind);
                writer.bytes(&report.payload);
                writer.pages(&report.pages);
                writer.0.push(u8::from(report.code.is_some()));
                if let Some(code) = &report.code {
                    writer.bytes(code);
                }
                writer.messages(&report.messages);
                writer.events(&report.events);
                writer.blobs(&report.blocks);
                // No block has this number: there are fewer.
                let disagreed = report.disagreed.unwrap_or(u32::MAX);
                writer.0.extend_from_slice(&disagreed.to_le_bytes());
                writer.bytes(report.stdout.as_bytes());
                writer.bytes(report.stderr.as_bytes());
                writer.0.extend_from_slice(&report.cpu_micros.to_le_bytes());
                writer.finish()
            }
            Self::Ready(ended) => {
                let mut writer = Writer::tagged(4);
                let (by_signal, number) = match ended {
                    Ended::Code(code) => (false, code),
                    Ended::Signal(signal) => (true, signal),
                };
                writer.0.push(u8::from(by_signal));
                writer.0.extend_from_slice(&number.to_le_bytes());
                writer.finish()
            }
            Self::Ask { block, question } => {
                let mut writer = Writer::tagged(5);
                writer.0.extend_from_slice(&block.to_le_bytes());
                writer.bytes(question);
                writer.finish()
            }
        }
    }

    /// Reads a frame's body.
    pub(super) fn decode(body: &[u8]) -> Option<Self> {
        let mut reader = Reader(body);
        let frame = match reader.u8()? {
            0 => Self::Hello(Locks {
                landlock: reader.bool()?,
                seccomp: reader.bool()?,
                rlimits: reader.bool()?,
                no_new_privs: reader.bool()?,
            }),
            1 => Self::NeedCode,
            2 => Self::ReadPages(reader.list(Reader::key)?),
            3 => Self::Done(Box::new(Report {
                kind: reader.u8()?,
                payload: reader.bytes()?,
                pages: reader.pages()?,
                code: if reader.bool()? { Some(reader.bytes()?) } else { None },
                messages: reader.messages()?,
                events: reader.events()?,
                blocks: reader.list(Reader::bytes)?,
                disagreed: Some(u32::from_le_bytes(reader.array()?)).filter(|it| *it != u32::MAX),
                stdout: reader.text()?,
                stderr: reader.text()?,
                cpu_micros: u64::from_le_bytes(reader.array()?),
            })),
            4 => {
                let by_signal = reader.bool()?;
                let number = i32::from_le_bytes(reader.array()?);
                Self::Ready(if by_signal { Ended::Signal(number) } else { Ended::Code(number) })
            }
            5 => {
                Self::Ask { block: u32::from_le_bytes(reader.array()?), question: reader.bytes()? }
            }
            _ => return None,
        };
        reader.end(frame)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::job::Task;
    use super::super::outbox::{MESSAGES_BYTES_MAX, MESSAGES_MAX};
    use super::*;
    use crate::domain::{Address, Amount, Digest, MessageBody, SlotId, Trigger, U256};

    fn page() -> (PageKey, Page) {
        (PageKey { slot: SlotId(Digest::new([7; 32])), index: 9 }, Bytes::from_static(b"content"))
    }

    fn event() -> EmittedEvent {
        EmittedEvent { topics: vec![Digest::new([3; 32])], data: Bytes::from_static(b"body") }
    }

    const TO: Address = Address::new([0xee; 20]);

    fn message(body: MessageBody) -> EmittedMessage {
        EmittedMessage { on: Trigger::Accepted, value: Amount::from(5), body }
    }

    fn deployment(salt: Option<U256>) -> EmittedMessage {
        let (code, calldata) = (Bytes::from_static(b"code"), Bytes::from_static(b"data"));
        message(MessageBody::Deploy { code, calldata, salt })
    }

    fn report(messages: Vec<EmittedMessage>) -> Report {
        Report {
            kind: 2,
            payload: Bytes::from_static(b"OOM"),
            pages: vec![page()],
            code: Some(Bytes::from_static(b"code")),
            messages,
            events: vec![event()],
            blocks: vec![Bytes::from_static(b"output")],
            disagreed: Some(1),
            stdout: "out".into(),
            stderr: "err".into(),
            cpu_micros: 3,
        }
    }

    #[test]
    fn frames_come_back_as_they_were() {
        let job = Job {
            code: Digest::new([1; 32]),
            task: Task::Schema,
            reader: true,
            nested: false,
            calldata: Bytes::from_static(b"call"),
            contract: [2; 20],
            sender: [3; 20],
            origin: [4; 20],
            stack: vec![[9; 20], [10; 20]],
            value: [5; 32],
            balance: [6; 32],
            chain_id: 61_999,
            at: -7,
            seed: Digest::new([8; 32]),
            time_limit: Some(Duration::from_micros(6)),
            complete: false,
            pages: vec![page()],
            leaders: Some(vec![Bytes::from_static(b"output"), Bytes::new()]),
        };
        for frame in [
            ToWorker::Job(Box::new(job)),
            ToWorker::Code(Bytes::from_static(b"x = 1")),
            ToWorker::Pages(vec![Bytes::new(), Bytes::from_static(b"p")]),
            ToWorker::Answer(Bytes::from_static(b"yes")),
        ] {
            assert_eq!(ToWorker::decode(&frame.encode()[4..]), Some(frame));
        }
        let report = report(vec![
            message(MessageBody::Call { to: TO, calldata: Bytes::from_static(b"call") }),
            message(MessageBody::Transfer { to: TO }),
            deployment(None),
            deployment(Some(U256::from(7))),
        ]);
        for frame in [
            FromWorker::Hello(Locks { seccomp: true, ..Locks::default() }),
            FromWorker::NeedCode,
            FromWorker::ReadPages(vec![page().0]),
            FromWorker::Ask { block: 3, question: Bytes::from_static(b"why") },
            FromWorker::Done(Box::new(report)),
            FromWorker::Ready(Ended::Code(-1)),
            FromWorker::Ready(Ended::Signal(9)),
        ] {
            assert_eq!(FromWorker::decode(&frame.encode()[4..]), Some(frame));
        }
    }

    #[test]
    fn messages_beyond_their_limits_are_refused() {
        let transfer = message(MessageBody::Transfer { to: TO });
        let of = |count| FromWorker::Done(Box::new(report(vec![transfer.clone(); count])));
        assert!(FromWorker::decode(&of(MESSAGES_MAX).encode()[4..]).is_some());
        assert_eq!(FromWorker::decode(&of(MESSAGES_MAX + 1).encode()[4..]), None);
        let large = |bytes| {
            let calldata = Bytes::from(vec![0; bytes]);
            let messages = vec![message(MessageBody::Call { to: TO, calldata }), deployment(None)];
            FromWorker::decode(&FromWorker::Done(Box::new(report(messages))).encode()[4..])
        };
        assert!(large(MESSAGES_BYTES_MAX - 8).is_some());
        assert_eq!(large(MESSAGES_BYTES_MAX - 7), None);
    }

    #[test]
    fn triggers_and_kinds_that_do_not_exist_are_refused() {
        let frame =
            FromWorker::Done(Box::new(report(vec![message(MessageBody::Transfer { to: TO })])));
        let encoded = frame.encode();
        // Trigger, value and kind stand before the address, which is the only run of its bytes.
        let address = encoded.windows(20).position(|bytes| bytes == TO.as_bytes()).unwrap();
        for position in [address - 1, address - 34] {
            let mut forged = encoded.clone();
            forged[position] = 9;
            assert_eq!(FromWorker::decode(&forged[4..]), None);
        }
    }

    #[test]
    fn a_list_that_claims_more_than_is_there_is_refused() {
        assert_eq!(FromWorker::decode(&[2, 255, 255, 255, 255, 0]), None);
    }

    fn bytes() -> impl Strategy<Value = Bytes> {
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(Bytes::from)
    }

    fn any_body() -> impl Strategy<Value = MessageBody> {
        let to = any::<[u8; 20]>().prop_map(Address::new);
        let salt = proptest::option::of((1..u64::MAX).prop_map(U256::from));
        prop_oneof![
            (to.clone(), bytes()).prop_map(|(to, calldata)| MessageBody::Call { to, calldata }),
            (bytes(), bytes(), salt).prop_map(|(code, calldata, salt)| MessageBody::Deploy {
                code,
                calldata,
                salt
            }),
            to.prop_map(|to| MessageBody::Transfer { to }),
        ]
    }

    fn any_messages() -> impl Strategy<Value = Vec<EmittedMessage>> {
        let trigger = prop_oneof![Just(Trigger::Accepted), Just(Trigger::Finalized)];
        let value = any::<[u64; 4]>().prop_map(|limbs| Amount::new(U256::from_limbs(limbs)));
        let message = (trigger, value, any_body());
        let message = message.prop_map(|(on, value, body)| EmittedMessage { on, value, body });
        proptest::collection::vec(message, 0..6)
    }

    proptest! {
        #[test]
        fn a_report_with_one_byte_forged_or_its_end_cut_off_cannot_panic(
            messages in any_messages(),
            at in any::<prop::sample::Index>(),
            forged in any::<u8>(),
        ) {
            let frame = FromWorker::Done(Box::new(report(messages)));
            let encoded = frame.encode();
            let mut body = encoded[4..].to_vec();
            prop_assert_eq!(FromWorker::decode(&body), Some(frame));
            let at = at.index(body.len());
            prop_assert_eq!(FromWorker::decode(&body[..at]), None);
            body[at] = forged;
            if let Some(frame) = FromWorker::decode(&body) {
                prop_assert_eq!(&frame.encode()[4..], &body[..]);
            }
        }

        #[test]
        fn nothing_a_worker_writes_can_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(frame) = FromWorker::decode(&body) {
                prop_assert_eq!(&frame.encode()[4..], &body[..]);
            }
        }
    }
}
