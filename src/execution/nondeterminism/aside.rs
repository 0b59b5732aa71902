//! Work that takes a processor for a while.

/// Does the work on a thread for such, as the event loop carries everybody's executions.
///
/// `None` when it panicked, which the panic hook has reported.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}
