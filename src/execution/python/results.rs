//! What a worker's report, or its end, means for the execution.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::blocks::are_possible;
use super::frame::{EXIT_SYSTEM, Ended, FromWorker, Report};
use super::job::Job;
use super::outbox::are_payable;
use super::pool::{Lease, infrastructure};
use super::process::Lost;
use super::program;
use super::store::trimmed;
use crate::domain::{
    Amount, Bytes, Code, Cost, Digest, Execution, ExecutionOutcome, PAGE_BYTES, PageKey, Pages,
    StateDelta, U256,
};
use crate::execution::ExecutionError;

/// How long the process of a job that has reported may take to end before its worker is replaced.
const END_LIMIT: Duration = Duration::from_secs(5);

/// Waits until the process of a job that has reported is gone, and puts its worker back.
pub(super) async fn put_back(mut lease: Lease) {
    let ready = timeout_at(Instant::now() + END_LIMIT, lease.worker.receive()).await;
    if let Ok(Ok(FromWorker::Ready(_))) = ready {
        lease.give_back();
    }
}

/// What the effects of a job are measured by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    is_reader: bool,
    balance: Amount,
    code: Digest,
}

impl Terms {
    /// The terms of a job.
    pub(super) const fn of(job: &Job) -> Self {
        let balance = Amount::new(U256::from_be_bytes(job.balance));
        Self { is_reader: job.reader, balance, code: job.code }
    }
}

/// The execution a worker reports; the flag says if its form is one that our worker produces.
pub(super) fn execution_of(report: Report, terms: Terms) -> (Option<Execution>, bool) {
    let outcome = match report.kind {
        0 => Some(ExecutionOutcome::Return(report.payload)),
        1 => String::from_utf8(report.payload.to_vec()).ok().map(ExecutionOutcome::UserError),
        2 => String::from_utf8(report.payload.to_vec()).ok().map(ExecutionOutcome::VmError),
        _ => None,
    };
    let Some((outcome, state)) = outcome.zip(state_of(report.pages)) else { return (None, false) };
    let has_effects = outcome.is_success();
    // A worker that a contract took over could report what the contract may not send.
    if !are_payable(&report.messages, terms.is_reader, terms.balance)
        || !are_possible(&report.blocks)
        || !is_replaceable(report.code.as_ref(), terms.is_reader)
    {
        return (None, false);
    }
    let code = report.code.map(Code::new).filter(|code| code.hash != terms.code);
    let execution = Execution {
        code: if has_effects { code } else { None },
        state: if has_effects { state } else { StateDelta::default() },
        messages: if has_effects { report.messages } else { Vec::new() },
        events: if has_effects { report.events } else { Vec::new() },
        block_outputs: report.blocks,
        disagreed_block: report.disagreed,
        stdout: report.stdout,
        stderr: report.stderr,
        cost: Cost { cpu_micros: report.cpu_micros, elapsed_micros: 0 },
        ..Execution::ending(outcome)
    };
    (Some(execution), true)
}

/// May a contract's code become this? A reader replaces none.
fn is_replaceable(code: Option<&Bytes>, is_reader: bool) -> bool {
    code.is_none_or(|code| !is_reader && program::check(code).is_ok())
}

/// Pages as the store keeps them, or `None` when they are not in that form.
fn state_of(pages: Vec<(PageKey, crate::domain::Page)>) -> Option<StateDelta> {
    let count = pages.len();
    let sound = |page: &[u8]| page.len() <= PAGE_BYTES && trimmed(page).len() == page.len();
    if !pages.iter().all(|(_, page)| sound(page)) {
        return None;
    }
    let pages: Pages = pages.into_iter().collect();
    (pages.len() == count).then_some(StateDelta(pages))
}

/// What a contract gets that broke its worker.
pub(super) fn senseless() -> Execution {
    Execution {
        stderr: "the contract broke its worker\n".into(),
        ..Execution::ending(ExecutionOutcome::VmError("exit_code 1".into()))
    }
}

/// What comes of a job whose worker is lost: its contract is to blame, as nothing else was
/// compiled in there.
pub(super) async fn execution_of_lost(
    lease: Lease,
    lost: Lost,
) -> Result<Execution, ExecutionError> {
    if lost == Lost::Senseless {
        return Ok(senseless());
    }
    execution_of_end(lease.into_worker().ending().await.unwrap_or(Ended::Code(1)))
}

/// What comes of a job whose process ended without a report.
pub(super) fn execution_of_end(ended: Ended) -> Result<Execution, ExecutionError> {
    let (code, text) = match ended {
        Ended::Code(EXIT_SYSTEM) => {
            return Err(infrastructure("the system refused a process for the job"));
        }
        // Memory beyond a job's limit is refused, and then the allocator aborts. Nothing a contract
        // does ends its process by this signal: the system does when its own memory runs out.
        Ended::Signal(nix::libc::SIGKILL) => {
            return Err(infrastructure("the system ended the process of the job"));
        }
        Ended::Signal(nix::libc::SIGABRT) => {
            ("OOM".to_owned(), "MemoryError: the contract ran out of memory\n")
        }
        Ended::Signal(signal) => {
            (format!("exit_code {}", 128 + signal), "the contract crashed its process\n")
        }
        Ended::Code(code) => (format!("exit_code {code}"), "the contract ended its process\n"),
    };
    Ok(Execution { stderr: text.into(), ..Execution::ending(ExecutionOutcome::VmError(code)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Address, EmittedMessage, MessageBody, Trigger};

    /// A report of this kind with a message that carries 6.
    fn report(kind: u8) -> Report {
        let body = MessageBody::Transfer { to: Address::ZERO };
        let value = Amount::from(6);
        Report {
            kind,
            payload: Bytes::new(),
            pages: Vec::new(),
            code: None,
            messages: vec![EmittedMessage { on: Trigger::Finalized, value, body }],
            events: Vec::new(),
            blocks: Vec::new(),
            disagreed: None,
            stdout: String::new(),
            stderr: String::new(),
            cpu_micros: 0,
        }
    }

    fn messages_of(kind: u8, is_reader: bool, balance: u64) -> Option<usize> {
        let terms = Terms { is_reader, balance: Amount::from(balance), code: Digest::new([1; 32]) };
        let (execution, sound) = execution_of(report(kind), terms);
        assert_eq!(execution.is_some(), sound);
        execution.map(|execution| execution.messages.len())
    }

    #[test]
    fn what_the_system_ends_is_not_the_contracts_fault() {
        let outcome = |ended| execution_of_end(ended).map(|execution| execution.outcome);
        let error = |code: &str| Ok(ExecutionOutcome::VmError(code.into()));
        assert_eq!(outcome(Ended::Signal(6)), error("OOM"));
        assert_eq!(outcome(Ended::Signal(11)), error("exit_code 139"));
        assert_eq!(outcome(Ended::Code(3)), error("exit_code 3"));
        for ended in [Ended::Signal(9), Ended::Code(EXIT_SYSTEM)] {
            assert!(matches!(outcome(ended), Err(ExecutionError::Infrastructure(_))));
        }
    }

    #[test]
    fn only_what_returns_sends_messages() {
        assert_eq!(messages_of(0, false, 6), Some(1));
        assert_eq!(messages_of(1, false, 6), Some(0));
        assert_eq!(messages_of(2, false, 6), Some(0));
    }

    #[test]
    fn a_report_with_messages_that_cannot_be_is_senseless() {
        assert_eq!(messages_of(0, false, 5), None);
        assert_eq!(messages_of(0, true, 6), None);
    }

    /// The execution of a worker that reports this as the new code of a contract of `old` code.
    fn replacing(code: &'static [u8], kind: u8, is_reader: bool) -> Option<Execution> {
        let report =
            Report { code: Some(Bytes::from_static(code)), messages: Vec::new(), ..report(kind) };
        let own = Code::new(Bytes::from_static(b"old")).hash;
        execution_of(report, Terms { is_reader, balance: Amount::ZERO, code: own }).0
    }

    #[test]
    fn only_what_returns_and_is_no_reader_replaces_the_code_by_other_code() {
        let new = Code::new(Bytes::from_static(b"new"));
        assert_eq!(replacing(b"new", 0, false).unwrap().code, Some(new));
        assert_eq!(replacing(b"new", 1, false).unwrap().code, None);
        assert_eq!(replacing(b"old", 0, false).unwrap().code, None);
        assert_eq!(replacing(b"new", 0, true), None);
        assert_eq!(replacing(b"", 0, false), None);
    }
}
