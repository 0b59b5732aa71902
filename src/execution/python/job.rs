//! What a worker is given to do, and its bytes.

use std::time::Duration;

use super::wire::{Reader, Writer};
use crate::domain::{Bytes, Digest, Page, PageKey};

/// What a worker is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// Run the constructor.
    Constructor,
    /// Run a method.
    Method,
    /// Extract the schema.
    Schema,
}

/// One job for a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job {
    /// Names the code; the worker asks for the source when it does not have it.
    pub(super) code: Digest,
    /// What to do.
    pub(super) task: Task,
    /// State must not change.
    pub(super) reader: bool,
    /// Another contract asks, in the middle of its own execution.
    pub(super) nested: bool,
    /// The call.
    pub(super) calldata: Bytes,
    /// The contract's address.
    pub(super) contract: [u8; 20],
    /// The caller's address.
    pub(super) sender: [u8; 20],
    /// The signer's address.
    pub(super) origin: [u8; 20],
    /// The contracts through whose views this call came, the last of them last.
    pub(super) stack: Vec<[u8; 20]>,
    /// Value sent along, big-endian.
    pub(super) value: [u8; 32],
    /// The contract's balance, big-endian.
    pub(super) balance: [u8; 32],
    /// The network.
    pub(super) chain_id: u64,
    /// The clock, in microseconds since the Unix epoch.
    pub(super) at: i64,
    /// Seeds `random`.
    pub(super) seed: Digest,
    /// Elapsed time after which the system ends it, in whole microseconds.
    pub(super) time_limit: Option<Duration>,
    /// Pages not sent along are empty, rather than unknown.
    pub(super) complete: bool,
    /// Pages sent along.
    pub(super) pages: Vec<(PageKey, Page)>,
    /// The outputs of the leader's non-deterministic blocks, for a validator.
    pub(super) leaders: Option<Vec<Bytes>>,
}

impl Job {
    /// A job without message and state.
    pub(super) fn on_nothing(code: Digest, task: Task) -> Self {
        Self {
            code,
            task,
            reader: true,
            nested: false,
            calldata: Bytes::new(),
            contract: [0; 20],
            sender: [0; 20],
            origin: [0; 20],
            stack: Vec::new(),
            value: [0; 32],
            balance: [0; 32],
            chain_id: 0,
            at: 0,
            seed: Digest::new([0; 32]),
            time_limit: None,
            complete: true,
            pages: Vec::new(),
            leaders: None,
        }
    }
}

/// Writes a job behind a frame's tag.
pub(super) fn write_job(mut writer: Writer, job: &Job) -> Vec<u8> {
    let task = match job.task {
        Task::Constructor => 0,
        Task::Method => 1,
        Task::Schema => 2,
    };
    writer.0.extend_from_slice(job.code.as_bytes());
    writer.0.extend_from_slice(&[
        task,
        u8::from(job.reader),
        u8::from(job.nested),
        u8::from(job.complete),
    ]);
    writer.bytes(&job.calldata);
    for address in [&job.contract, &job.sender, &job.origin] {
        writer.0.extend_from_slice(address);
    }
    writer.u32(job.stack.len());
    for address in &job.stack {
        writer.0.extend_from_slice(address);
    }
    writer.0.extend_from_slice(&job.value);
    writer.0.extend_from_slice(&job.balance);
    writer.0.extend_from_slice(&job.chain_id.to_le_bytes());
    writer.0.extend_from_slice(&job.at.to_le_bytes());
    writer.0.extend_from_slice(job.seed.as_bytes());
    // No limit is that long.
    let limit = job.time_limit.map_or(u128::MAX, |limit| limit.as_micros());
    let limit_micros = u64::try_from(limit).unwrap_or(u64::MAX);
    writer.0.extend_from_slice(&limit_micros.to_le_bytes());
    writer.pages(&job.pages);
    writer.0.push(u8::from(job.leaders.is_some()));
    if let Some(outputs) = &job.leaders {
        writer.blobs(outputs);
    }
    writer.finish()
}

/// Reads what [`write_job`] wrote.
pub(super) fn read_job(reader: &mut Reader<'_>) -> Option<Job> {
    let code = Digest::new(reader.array()?);
    let task = match reader.u8()? {
        0 => Task::Constructor,
        1 => Task::Method,
        2 => Task::Schema,
        _ => return None,
    };
    let limit = |micros| (micros != u64::MAX).then(|| Duration::from_micros(micros));
    let (is_reader, nested, complete) = (reader.bool()?, reader.bool()?, reader.bool()?);
    Some(Job {
        code,
        task,
        reader: is_reader,
        nested,
        complete,
        calldata: reader.bytes()?,
        contract: reader.array()?,
        sender: reader.array()?,
        origin: reader.array()?,
        stack: reader.list(Reader::array)?,
        value: reader.array()?,
        balance: reader.array()?,
        chain_id: u64::from_le_bytes(reader.array()?),
        at: i64::from_le_bytes(reader.array()?),
        seed: Digest::new(reader.array()?),
        time_limit: limit(u64::from_le_bytes(reader.array()?)),
        pages: reader.pages()?,
        leaders: if reader.bool()? { Some(reader.list(Reader::bytes)?) } else { None },
    })
}
