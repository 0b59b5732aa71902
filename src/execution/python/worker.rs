//! The worker process: warms an interpreter, locks itself in, and serves its parent.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use super::frame::{FromWorker, Locks, Report, ToWorker};
use super::interpreter::{Ending, Python};
use super::job::Job;
use super::link::Link;
use super::output::Output;
use super::{native, sandbox};

/// Stack of the interpreter's thread: room for as many nested calls as the recursion limit allows.
const STACK_BYTES: usize = 256 << 20;
/// Memory of a worker that was not told otherwise.
const MEMORY_BYTES_DEFAULT: u64 = 512 << 20;
/// Garbage is collected after this many jobs.
const JOBS_PER_COLLECTION: u64 = 64;

/// What a worker process runs: serves executions on its standard input until it closes.
///
/// The program is called as `agora worker <memory limit in bytes>`.
pub fn worker_main() -> ExitCode {
    sandbox::fix_addresses();
    match serve() {
        Some(()) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    }
}

fn serve() -> Option<()> {
    let memory_bytes = std::env::args().nth(2).and_then(|text| text.parse().ok());
    let memory_bytes = memory_bytes.unwrap_or(MEMORY_BYTES_DEFAULT);
    let link = take_standard_input()?;
    // Opened before files are locked away: how much address space a warm worker has.
    let usage = File::open("/proc/self/statm").ok();
    let locks = sandbox::lock_process();
    let thread = std::thread::Builder::new()
        .name("python".into())
        .stack_size(STACK_BYTES)
        .spawn(move || serve_jobs(link, locks, usage, memory_bytes));
    thread.ok()?.join().ok()?
}

/// Moves the socket away from where a contract could read it as its standard input.
fn take_standard_input() -> Option<Link> {
    let socket = std::io::stdin().as_fd().try_clone_to_owned().ok()?;
    nix::unistd::dup2_stdin(File::open("/dev/null").ok()?).ok()?;
    Some(Link::new(UnixStream::from(socket)))
}

fn serve_jobs(link: Link, locks: Locks, usage: Option<File>, memory_bytes: u64) -> Option<()> {
    native::set_link(link);
    let mut python = Python::start().inspect_err(|trace| complain(trace)).ok()?;
    let warm_bytes = usage.and_then(address_space_bytes);
    let rlimits = warm_bytes.is_some_and(|warm_bytes| {
        sandbox::limit_resources(warm_bytes.saturating_add(memory_bytes))
    });
    let seccomp = sandbox::filter_calls();
    let hello = FromWorker::Hello(Locks { seccomp, rlimits, ..locks });
    native::with_link(|link| link.send(&hello).ok())?;
    let mut jobs: u64 = 0;
    loop {
        // The parent closes the socket when it needs this worker no more.
        let ToWorker::Job(job) = native::with_link(Link::receive)? else { return None };
        let (report, survived) = run_job(&mut python, *job)?;
        native::with_link(|link| link.send(&FromWorker::Done(Box::new(report))).ok())?;
        let clean = survived && python.clean_up();
        jobs += 1;
        if jobs.is_multiple_of(JOBS_PER_COLLECTION) {
            python.collect_garbage();
        }
        native::with_link(|link| link.send(&FromWorker::Ready { clean }).ok())?;
        if !clean {
            return Some(());
        }
    }
}

/// Runs a job; `None` when the parent is gone. The flag tells if the interpreter survived.
fn run_job(python: &mut Python, mut job: Job) -> Option<(Report, bool)> {
    let before = cpu_micros();
    let source = if python.has(&job.code) {
        None
    } else {
        Some(native::with_link(|link| {
            link.send(&FromWorker::NeedCode).ok()?;
            match link.receive()? {
                ToWorker::Code(source) => Some(source),
                ToWorker::Job(_) | ToWorker::Pages(_) | ToWorker::Answer(_) => None,
            }
        })?)
    };
    native::begin(&mut job);
    let ended = catch_unwind(AssertUnwindSafe(|| {
        if let Some(source) = source
            && let Err(ending) = python.add(job.code, &source)
        {
            return ending;
        }
        python.run(&job)
    }));
    let survived = ended.is_ok();
    let ending = ended
        .unwrap_or_else(|_| Ending::failure("exit_code 101", "the interpreter gave up on this\n"));
    let leftovers = native::finish();
    let mut stderr = Output::default();
    stderr.push(&leftovers.stderr);
    stderr.push(&ending.trace);
    let (pages, messages, events) = match ending.kind {
        0 => (leftovers.changes, leftovers.messages, leftovers.events),
        _ => (Vec::new(), Vec::new(), Vec::new()),
    };
    let report = Report {
        kind: ending.kind,
        payload: ending.payload,
        pages,
        messages,
        blocks: leftovers.blocks,
        disagreed: leftovers.disagreed,
        events,
        stdout: leftovers.stdout,
        stderr: stderr.into_text(),
        cpu_micros: cpu_micros().saturating_sub(before),
    };
    Some((report, survived))
}

/// For whoever runs `agora worker` by hand to see why it does not start.
fn complain(trace: &str) {
    let _ = std::io::stderr().write_all(trace.as_bytes());
}

/// CPU time of this thread, in microseconds.
fn cpu_micros() -> u64 {
    use nix::time::{ClockId, clock_gettime};
    let now = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    now.map_or(0, |now| {
        u64::try_from(now.tv_sec() * 1_000_000 + now.tv_nsec() / 1_000).unwrap_or(0)
    })
}

/// Address space of this process in bytes, from the file that tells of it.
fn address_space_bytes(mut usage: File) -> Option<u64> {
    let mut text = String::new();
    usage.rewind().ok()?;
    usage.read_to_string(&mut text).ok()?;
    let pages: u64 = text.split(' ').next()?.parse().ok()?;
    let page_bytes = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok()??;
    pages.checked_mul(u64::try_from(page_bytes).ok()?)
}
