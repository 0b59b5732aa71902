//! CPU time of this process and of the worker processes it started.

use std::collections::BTreeMap;
use std::time::Duration;

/// CPU time at one moment.
pub(crate) struct Cpu {
    parent: Duration,
    workers: BTreeMap<u64, Duration>,
}

/// CPU time within a while.
pub(crate) struct Used {
    pub(crate) parent: Duration,
    pub(crate) workers: Duration,
}

impl Cpu {
    /// What was used until now.
    pub(crate) fn now() -> Self {
        let processes = processes();
        let children = |of: u64| processes.iter().filter(move |process| process.parent == of);
        let own = u64::from(std::process::id());
        let parent = processes.iter().filter(|process| process.id == own).map(|it| it.used).sum();
        // Workers, and the copies of them that run the jobs.
        let workers = children(own)
            .map(|worker| {
                let copies = children(worker.id).map(|copy| copy.used);
                let used = worker.used + worker.of_ended_children + copies.sum::<Duration>();
                (worker.id, used)
            })
            .collect();
        Self { parent, workers }
    }

    /// What was used since, by those workers that are still there.
    pub(crate) fn since(&self, before: &Self) -> Used {
        let used = |(id, now): (&u64, &Duration)| {
            now.saturating_sub(before.workers.get(id).copied().unwrap_or_default())
        };
        Used {
            parent: self.parent.saturating_sub(before.parent),
            workers: self.workers.iter().map(used).sum(),
        }
    }
}

struct Process {
    id: u64,
    parent: u64,
    used: Duration,
    of_ended_children: Duration,
}

fn processes() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let processes = entries.filter_map(|entry| {
        let id = entry.file_name().to_string_lossy().parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // After the name, which may hold anything: state, parent, …, user and system ticks, and
        // the same of children that have ended.
        let fields: Vec<_> = stat.rsplit(')').next()?.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        let time = |index| Some(Duration::from_millis((number(index)? + number(index + 1)?) * 10));
        Some(Process { id, parent: number(1)?, used: time(11)?, of_ended_children: time(13)? })
    });
    processes.collect()
}
