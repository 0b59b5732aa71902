//! Locks a worker closes behind itself: after them it can compute and talk to its parent only.

use std::time::Duration;

use nix::unistd::{Pid, getppid};

use super::frame::Locks;

/// Locks that hold for the thread that calls this and those it starts later: no new privileges,
/// death with the parent, no dumps, no files.
///
/// To be called before any other thread exists.
pub(super) fn lock_process() -> Locks {
    #[cfg(target_os = "linux")]
    {
        let no_new_privs = nix::sys::prctl::set_no_new_privs().is_ok();
        // Both are a matter of tidiness; nothing depends on them.
        let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL);
        let _ = nix::sys::prctl::set_dumpable(false);
        Locks { no_new_privs, landlock: lock_files(), ..Locks::default() }
    }
    #[cfg(not(target_os = "linux"))]
    Locks::default()
}

/// Limits memory to `address_space_bytes`, and files to none.
pub(super) fn limit_resources(address_space_bytes: u64) -> bool {
    use rlimit::Resource;
    let mut limits = vec![(Resource::CORE, 0), (Resource::FSIZE, 0), (Resource::NOFILE, 8)];
    #[cfg(target_os = "linux")]
    limits.push((Resource::AS, address_space_bytes));
    #[cfg(not(target_os = "linux"))]
    let _ = address_space_bytes;
    limits.into_iter().all(|(resource, limit)| resource.set(limit, limit).is_ok())
}

/// Ties a copy to the worker it is of, which is its parent; `false` when the
/// worker is gone already.
pub(super) fn follow(worker: Pid) -> bool {
    #[cfg(target_os = "linux")]
    {
        // What a parent's death means is not inherited.
        let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL);
        // Root may start processes all the same; the filter of system calls refuses them to all.
        let _ = rlimit::Resource::NPROC.set(0, 0);
    }
    getppid() == worker
}

/// Has the system end this process when the time of a job is up.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub(super) struct Countdown(Option<nix::sys::timer::Timer>);

#[cfg(target_os = "linux")]
impl Countdown {
    /// One that does not run.
    pub(super) fn new() -> Self {
        use nix::sys::signal::{SigEvent, SigevNotify, Signal};
        use nix::sys::timer::Timer;
        let notify = SigevNotify::SigevSignal { signal: Signal::SIGALRM, si_value: 0 };
        Self(Timer::new(nix::time::ClockId::CLOCK_MONOTONIC, SigEvent::new(notify)).ok())
    }

    /// Runs for that long from now on, or no more. Where it cannot, the parent ends the job alone.
    pub(super) fn start(&mut self, limit: Option<Duration>) {
        use nix::sys::timer::{Expiration, TimerSetTimeFlags};
        let limit = limit.map_or(Duration::ZERO, |limit| limit.max(Duration::from_millis(1)));
        if let Some(timer) = &mut self.0 {
            let _ = timer.set(Expiration::OneShot(limit.into()), TimerSetTimeFlags::empty());
        }
    }
}

/// Here only the parent ends a job.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub(super) struct Countdown;

#[cfg(not(target_os = "linux"))]
impl Countdown {
    /// There is none.
    pub(super) const fn new() -> Self {
        Self
    }

    /// Does nothing.
    pub(super) fn start(&mut self, _: Option<Duration>) {}
}

/// Landlock with nothing allowed: no file can be opened any more.
#[cfg(target_os = "linux")]
fn lock_files() -> bool {
    use landlock::{ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetStatus};
    Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V1))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self)
        .is_ok_and(|status| status.ruleset != RulesetStatus::NotEnforced)
}

/// A filter of system calls, ready to be put on.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub(super) struct Filter(seccompiler::BpfProgram);

#[cfg(target_os = "linux")]
impl Filter {
    /// For a worker: what its copies may call, and what it takes to make them.
    pub(super) fn of_worker() -> Option<Self> {
        Self::allowing(ALLOWED.iter().chain(ALLOWED_TO_COPY))
    }

    /// For a copy that runs jobs: memory, its socket, the clock and the end.
    pub(super) fn of_jobs() -> Option<Self> {
        Self::allowing(ALLOWED.iter())
    }

    fn allowing<'a>(calls: impl Iterator<Item = &'a i64>) -> Option<Self> {
        use seccompiler::{SeccompAction, SeccompFilter, TargetArch};
        let arch = TargetArch::try_from(std::env::consts::ARCH).ok()?;
        let rules = calls.map(|call| (*call, Vec::new())).collect();
        // A refused call fails as if it had no permission: the interpreter words that better than a
        // kill, and the call has no effect either way.
        let refusal = SeccompAction::Errno(u32::try_from(libc::EPERM).unwrap_or(1));
        let filter = SeccompFilter::new(rules, refusal, SeccompAction::Allow, arch).ok()?;
        filter.try_into().ok().map(Self)
    }

    /// Puts it on, for all threads and for good. What another one refuses stays refused.
    pub(super) fn put_on(&self) -> bool {
        seccompiler::apply_filter_all_threads(&self.0).is_ok()
    }
}

/// There is no filter on this system.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub(super) enum Filter {}

#[cfg(not(target_os = "linux"))]
impl Filter {
    /// There is none.
    pub(super) const fn of_worker() -> Option<Self> {
        None
    }

    /// There is none.
    pub(super) const fn of_jobs() -> Option<Self> {
        None
    }

    /// Cannot happen.
    pub(super) fn put_on(&self) -> bool {
        match *self {}
    }
}

/// What a worker calls to copy itself and to wait for the copy, and the copy to lock itself.
#[cfg(target_os = "linux")]
const ALLOWED_TO_COPY: &[i64] = &[
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_wait4,
    libc::SYS_getppid,
    libc::SYS_prctl,
    libc::SYS_prlimit64,
    libc::SYS_seccomp,
    libc::SYS_timer_create,
];

#[cfg(target_os = "linux")]
const ALLOWED: &[i64] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_mprotect,
    libc::SYS_futex,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigaction,
    libc::SYS_sigaltstack,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_clock_gettime,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_tgkill,
    libc::SYS_close,
    libc::SYS_getrandom,
    libc::SYS_sched_yield,
    libc::SYS_getrusage,
    libc::SYS_writev,
    libc::SYS_fstat,
    libc::SYS_timer_settime,
    libc::SYS_timer_delete,
    libc::SYS_lseek,
];

/// Starts the program anew without address-space randomisation, where that is allowed, so that
/// object identities do not differ from worker to worker; returns when there is nothing to do.
pub(super) fn fix_addresses() {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::personality::{self, Persona};
        use std::os::unix::process::CommandExt;
        let Ok(persona) = personality::get() else { return };
        if persona.contains(Persona::ADDR_NO_RANDOMIZE)
            || personality::set(persona | Persona::ADDR_NO_RANDOMIZE).is_err()
        {
            return;
        }
        if let Ok(program) = std::env::current_exe() {
            // Returns only when it failed, and then randomised addresses have to do.
            let _ = std::process::Command::new(program).args(std::env::args_os().skip(1)).exec();
        }
    }
}
