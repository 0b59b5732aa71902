//! The worker process: warms an interpreter, locks itself in, and serves its parent.
//!
//! It runs no contract itself: jobs run in copies of the process, warm as it is. A copy serves one
//! contract's code only, so whatever that does to its interpreter no other contract meets; and it ends
//! with its first job unless the code is tame (`tame.rs`) and left nothing behind. What the worker
//! keeps is compiled code, which nobody has run here.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use super::copy::{EXIT_ALONE, in_a_copy};
use super::frame::{EXIT_SYSTEM, EXIT_USED, Ended, FromWorker, Locks, Report, ToWorker};
use super::interpreter::{Ending, Python};
use super::job::Job;
use super::link::{Link, set_link, with_link};
use super::native;
use super::output::Output;
use super::program;
use super::sandbox::{self, Countdown, Filter};
use crate::domain::Bytes;

/// Stack of the interpreter's thread: room for as many nested calls as the recursion limit allows.
const STACK_BYTES: usize = 256 << 20;
/// Memory of a worker that was not told otherwise.
const MEMORY_BYTES_DEFAULT: u64 = 512 << 20;
/// Garbage is collected after this many jobs.
const JOBS_PER_COLLECTION: u64 = 64;
/// Address space for the code that a worker keeps.
const KEPT_BYTES: u64 = 128 << 20;

/// What a worker process runs: serves executions on its standard input until it closes.
///
/// The program is called as `agora worker <memory limit in bytes>`.
pub fn worker_main() -> ExitCode {
    sandbox::fix_addresses();
    match start() {
        Some(()) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    }
}

fn start() -> Option<()> {
    let memory_bytes = std::env::args().nth(2).and_then(|text| text.parse().ok());
    let memory_bytes = memory_bytes.unwrap_or(MEMORY_BYTES_DEFAULT);
    let link = take_standard_input()?;
    // Opened before files are locked away: how much address space a warm worker has.
    let usage = File::open("/proc/self/statm").ok();
    let locks = sandbox::lock_process();
    let thread = std::thread::Builder::new()
        .name("python".into())
        .stack_size(STACK_BYTES)
        .spawn(move || warm_up(link, locks, usage, memory_bytes));
    thread.ok()?.join().ok()?
}

/// Moves the socket away from where a contract could read it as its standard input.
fn take_standard_input() -> Option<Link> {
    let socket = std::io::stdin().as_fd().try_clone_to_owned().ok()?;
    nix::unistd::dup2_stdin(File::open("/dev/null").ok()?).ok()?;
    Some(Link::new(UnixStream::from(socket)))
}

fn warm_up(link: Link, locks: Locks, usage: Option<File>, memory_bytes: u64) -> Option<()> {
    set_link(link);
    let mut python = Python::start().inspect_err(|trace| complain(trace)).ok()?;
    let memory = usage.map(|usage| Memory { usage, job_bytes: memory_bytes });
    let rlimits = memory.as_ref().and_then(|memory| memory.limit(KEPT_BYTES)) == Some(true);
    let filter = lock_copies();
    let hello = FromWorker::Hello(Locks { seccomp: filter.is_some(), rlimits, ..locks });
    with_link(|link| link.send(&hello).ok())?;
    loop {
        // The parent closes the socket when it needs this worker no more.
        let ToWorker::Job(job) = with_link(Link::receive)? else { return None };
        let code = job.code;
        let source = if python.has(&code) { None } else { Some(ask_for_code()?) };
        let ended = in_a_copy(|| {
            let limits = Limits { memory: memory.as_ref(), filter: filter.as_ref() };
            serve(&mut python, *job, source.as_ref(), limits).unwrap_or(EXIT_ALONE)
        });
        let ended = ended.unwrap_or(Ended::Code(EXIT_SYSTEM));
        if ended == Ended::Code(EXIT_ALONE) {
            return None;
        }
        // A copy could compile it in time and in its memory, so this process can.
        let is_sound = matches!(ended, Ended::Code(0 | EXIT_USED));
        if let Some(source) = source.filter(|_| is_sound) {
            python.keep(code, &source);
        }
        with_link(|link| link.send(&FromWorker::Ready(ended)).ok())?;
    }
}

/// Asks the parent for the source of the job's code; `None` when it is gone.
fn ask_for_code() -> Option<Bytes> {
    with_link(|link| {
        link.send(&FromWorker::NeedCode).ok()?;
        match link.receive()? {
            ToWorker::Code(source) => Some(source),
            ToWorker::Job(_) | ToWorker::Pages(_) | ToWorker::Answer(_) => None,
        }
    })
}

/// The memory a job may have beyond what its worker takes.
struct Memory {
    /// Tells of the worker, in its copies too.
    usage: File,
    job_bytes: u64,
}

impl Memory {
    /// Limits this process to what is taken, a job's part and `more`; `None` when what is taken cannot
    /// be told.
    fn limit(&self, more: u64) -> Option<bool> {
        let taken = address_space_bytes(&self.usage)?;
        Some(sandbox::limit_resources(taken.saturating_add(self.job_bytes).saturating_add(more)))
    }
}

/// Locks this process, and tries on a copy the filter that all copies for jobs will wear; `None`
/// when there is none or it does not hold.
fn lock_copies() -> Option<Filter> {
    let filter = Filter::of_jobs()?;
    let is_locked = Filter::of_worker().is_some_and(|filter| filter.put_on());
    let tried = in_a_copy(|| i32::from(!filter.put_on()));
    (is_locked && tried == Some(Ended::Code(0))).then_some(filter)
}

/// What holds a copy within its bounds.
#[derive(Clone, Copy)]
struct Limits<'a> {
    memory: Option<&'a Memory>,
    filter: Option<&'a Filter>,
}

impl Limits<'_> {
    fn put_on(self) -> bool {
        self.memory.is_none_or(|memory| memory.limit(0).unwrap_or(true))
            && self.filter.is_none_or(Filter::put_on)
    }
}

/// Serves jobs of one code in a copy of the worker until one may have left something behind; returns
/// the code to end with, or `None` when the parent is gone.
fn serve(
    python: &mut Python,
    first: Job,
    source: Option<&Bytes>,
    limits: Limits<'_>,
) -> Option<i32> {
    let mut countdown = Countdown::new();
    countdown.start(first.time_limit);
    if !limits.put_on() {
        return Some(EXIT_SYSTEM);
    }
    let (code, mut job, mut source, mut jobs) = (first.code, first, source, 0_u64);
    loop {
        let (report, survived) = run(python, source.take(), job);
        with_link(|link| link.send(&FromWorker::Done(Box::new(report))).ok())?;
        if !survived || !python.is_tame(&code) || !python.clean_up() {
            return Some(0);
        }
        jobs += 1;
        if jobs.is_multiple_of(JOBS_PER_COLLECTION) {
            python.collect_garbage();
        }
        countdown.start(None);
        with_link(|link| link.send(&FromWorker::Ready(Ended::Code(0))).ok())?;
        let ToWorker::Job(next) = with_link(Link::receive)? else { return None };
        if next.code != code {
            return Some(EXIT_USED);
        }
        countdown.start(next.time_limit);
        job = *next;
    }
}

/// Runs a job whose code is here, or is in this source. The flag tells if the interpreter survived.
fn run(python: &mut Python, source: Option<&Bytes>, mut job: Job) -> (Report, bool) {
    let before = cpu_micros();
    native::begin(&mut job);
    let ended = catch_unwind(AssertUnwindSafe(|| {
        match source.map_or(Ok(()), |source| python.add(job.code, source)) {
            Ok(()) => python.run(&job),
            Err(ending) => ending,
        }
    }));
    let survived = ended.is_ok();
    let ending = ended
        .unwrap_or_else(|_| Ending::failure("exit_code 101", "the interpreter gave up on this\n"));
    let leftovers = native::finish();
    let refused = leftovers.code.as_deref().and_then(|code| program::check(code).err());
    let ending = match refused.filter(|_| ending.kind == 0) {
        Some(words) => Ending::failure("invalid_contract", format!("{words}\n")),
        None => ending,
    };
    let mut stderr = Output::default();
    stderr.push(&leftovers.stderr);
    stderr.push(&ending.trace);
    let (pages, code, messages, events) = match ending.kind {
        0 => (leftovers.changes, leftovers.code, leftovers.messages, leftovers.events),
        _ => (Vec::new(), None, Vec::new(), Vec::new()),
    };
    let report = Report {
        kind: ending.kind,
        payload: ending.payload,
        pages,
        code,
        messages,
        blocks: leftovers.blocks,
        disagreed: leftovers.disagreed,
        events,
        stdout: leftovers.stdout,
        stderr: stderr.into_text(),
        cpu_micros: cpu_micros().saturating_sub(before),
    };
    (report, survived)
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

/// Address space of a process in bytes, from the file that tells of it.
fn address_space_bytes(mut usage: &File) -> Option<u64> {
    let mut text = String::new();
    usage.rewind().ok()?;
    usage.read_to_string(&mut text).ok()?;
    let pages: u64 = text.split(' ').next()?.parse().ok()?;
    let page_bytes = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok()??;
    pages.checked_mul(u64::try_from(page_bytes).ok()?)
}
