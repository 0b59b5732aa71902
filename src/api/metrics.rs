//! Measurements in Prometheus' text format.

use std::time::Duration;

use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use super::limits::Limits;
use crate::actors::handles::Handles;
use crate::domain::Status;
use crate::domain::ledger::StoreError;

/// Upper bounds of the latency histogram, in seconds.
const LATENCY_BUCKETS: [f64; 12] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 60.0];

/// All measurements of one network.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    latency: HistogramVec,
    transactions: IntGaugeVec,
    in_use: IntGaugeVec,
    limit: IntGaugeVec,
    dropped: IntCounter,
}

impl Metrics {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let gauge = |name: &str, help: &str, label: &str| {
            let gauge = IntGaugeVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let requests = IntCounterVec::new(
            Opts::new("agora_http_requests_total", "HTTP requests answered"),
            &["method", "route", "status"],
        )?;
        let latency = HistogramVec::new(
            HistogramOpts::new("agora_http_request_seconds", "Time until the answer's head")
                .buckets(LATENCY_BUCKETS.to_vec()),
            &["method", "route"],
        )?;
        let dropped = IntCounter::new(
            "agora_dropped_messages_total",
            "Messages between actors whose receiver was gone",
        )?;
        let transactions = gauge("agora_transactions", "Transactions by status", "status")?;
        let in_use = gauge("agora_permits_in_use", "How many of something run now", "name")?;
        let limit = gauge("agora_permits_limit", "How many of something may run", "name")?;
        let build = IntGaugeVec::new(Opts::new("agora_build_info", "Always 1"), &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(latency.clone()))?;
        registry.register(Box::new(dropped.clone()))?;
        registry.register(Box::new(build))?;
        Ok(Self { registry, requests, latency, transactions, in_use, limit, dropped })
    }

    /// Counts one answer.
    pub(super) fn answered(&self, method: &str, route: &str, status: u16, elapsed: Duration) {
        self.requests.with_label_values(&[method, route, &status.to_string()]).inc();
        self.latency.with_label_values(&[method, route]).observe(elapsed.as_secs_f64());
    }

    /// Reads what the network knows and writes everything down.
    pub(super) async fn render(
        &self,
        handles: &Handles,
        limits: &Limits,
    ) -> Result<String, StoreError> {
        let counts = handles.status_counts().await?;
        for status in Status::ALL {
            let count = counts.iter().find(|(other, _)| *other == status).map_or(0, |(_, n)| *n);
            self.transactions.with_label_values(&[status.name()]).set(gauge_value(count));
        }
        for report in handles.permits() {
            self.permits(report.name, report.in_use, report.limit);
        }
        for (name, in_use, limit) in limits.usage() {
            self.permits(name, in_use, limit);
        }
        let dropped = handles.dropped_messages();
        self.dropped.inc_by(dropped.saturating_sub(self.dropped.get()));
        TextEncoder::new().encode_to_string(&self.registry.gather()).map_err(|error| {
            StoreError::Database { operation: "writing metrics", reason: error.to_string() }
        })
    }

    fn permits(&self, name: &str, in_use: usize, limit: usize) {
        self.in_use.with_label_values(&[name]).set(gauge_value(in_use));
        self.limit.with_label_values(&[name]).set(gauge_value(limit));
    }
}

fn gauge_value<T: TryInto<i64>>(value: T) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}
