//! CPU time, elapsed time and percentiles.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use tokio::time::Instant;

/// CPU time of this process so far.
fn cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let micros = |time: nix::sys::time::TimeVal| {
        u64::try_from(time.tv_sec() * 1_000_000 + time.tv_usec()).unwrap()
    };
    Duration::from_micros(micros(usage.user_time()) + micros(usage.system_time()))
}

/// Measures from its start to [`Measurement::end`].
pub(crate) struct Measurement {
    cpu: Duration,
    at: Instant,
}

/// What a load cost.
pub(crate) struct Figures {
    pub(crate) count: usize,
    pub(crate) cpu: Duration,
    pub(crate) elapsed: Duration,
    /// Sorted; empty where single latencies have no meaning.
    pub(crate) latencies: Vec<Duration>,
}

impl Measurement {
    pub(crate) fn start() -> Self {
        Self { cpu: cpu(), at: Instant::now() }
    }

    pub(crate) fn end(self, count: usize, mut latencies: Vec<Duration>) -> Figures {
        latencies.sort();
        Figures {
            count,
            cpu: cpu().saturating_sub(self.cpu),
            elapsed: self.at.elapsed(),
            latencies,
        }
    }
}

impl Figures {
    pub(crate) const HEADER: &str = "load                                               | CPU µs/tx |     tx/s |  p50 ms |  p99 ms | tx/s vs toy";

    pub(crate) fn cpu_micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.count as f64
    }

    fn per_second(&self) -> f64 {
        self.count as f64 / self.elapsed.as_secs_f64()
    }

    fn percentile(&self, percent: usize) -> String {
        match self
            .latencies
            .get((self.latencies.len() * percent / 100).min(self.latencies.len().saturating_sub(1)))
        {
            Some(latency) => format!("{:.2}", latency.as_secs_f64() * 1e3),
            None => "–".into(),
        }
    }

    pub(crate) fn row(&self, name: &str, toy: Option<&Self>) -> String {
        let ratio =
            toy.map_or("–".into(), |toy| format!("{:.2}", self.per_second() / toy.per_second()));
        format!(
            "{name:<50} | {:>9.1} | {:>8.0} | {:>7} | {:>7} | {ratio:>11}",
            self.cpu_micros(),
            self.per_second(),
            self.percentile(50),
            self.percentile(99),
        )
    }
}
