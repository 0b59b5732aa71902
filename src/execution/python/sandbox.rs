//! Locks a worker closes behind itself: after them it can compute and talk to its parent only.

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

/// Limits memory to `address_space_bytes`, and files and processes to none.
pub(super) fn limit_resources(address_space_bytes: u64) -> bool {
    use rlimit::Resource;
    let mut limits = vec![(Resource::CORE, 0), (Resource::FSIZE, 0), (Resource::NOFILE, 8)];
    #[cfg(target_os = "linux")]
    limits.extend([(Resource::NPROC, 0), (Resource::AS, address_space_bytes)]);
    #[cfg(not(target_os = "linux"))]
    let _ = address_space_bytes;
    limits.into_iter().all(|(resource, limit)| resource.set(limit, limit).is_ok())
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

/// The system call filter, for all threads: memory, its socket, the clock and the end.
#[cfg(target_os = "linux")]
pub(super) fn filter_calls() -> bool {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};
    let Ok(arch) = TargetArch::try_from(std::env::consts::ARCH) else { return false };
    let rules = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    // A refused call fails as if it had no permission: the interpreter words that better than a
    // kill, and the call has no effect either way.
    let refusal = SeccompAction::Errno(u32::try_from(libc::EPERM).unwrap_or(1));
    SeccompFilter::new(rules, refusal, SeccompAction::Allow, arch)
        .and_then(BpfProgram::try_from)
        .is_ok_and(|program| seccompiler::apply_filter_all_threads(&program).is_ok())
}

/// There is no filter on this system.
#[cfg(not(target_os = "linux"))]
pub(super) fn filter_calls() -> bool {
    false
}

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
