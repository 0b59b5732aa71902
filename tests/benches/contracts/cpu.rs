//! CPU time of this process and of the worker processes it started.

use std::time::Duration;

/// CPU time at one moment.
pub(crate) struct Cpu {
    pub(crate) parent: Duration,
    pub(crate) workers: Duration,
}

impl Cpu {
    /// What was used until now.
    pub(crate) fn now() -> Self {
        let own = std::process::id();
        let mut cpu = Self { parent: Duration::ZERO, workers: Duration::ZERO };
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Ok(id) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
            let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
            // After the name, which may hold anything: state, parent, …, user and system ticks.
            let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
            let number = |index: usize| fields.get(index).and_then(|it| it.parse::<u64>().ok());
            let ticks = number(11).unwrap_or(0) + number(12).unwrap_or(0);
            let used = Duration::from_millis(ticks * 10);
            if id == own {
                cpu.parent = used;
            } else if number(1) == Some(u64::from(own)) {
                cpu.workers += used;
            }
        }
        cpu
    }

    /// What was used since.
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            parent: self.parent.saturating_sub(before.parent),
            workers: self.workers.saturating_sub(before.workers),
        }
    }
}
