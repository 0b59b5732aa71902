//! The time between two restores of a network: everybody who works in it learns of its end.

use tokio::sync::watch;

/// Keeps an era going; it ends when told so.
#[derive(Debug)]
pub struct EraEnd(watch::Sender<bool>);

/// The era that somebody works in. One by default never ends.
#[derive(Debug, Clone)]
pub struct Era(watch::Receiver<bool>);

impl EraEnd {
    /// A new era.
    pub fn begin() -> (Self, Era) {
        let (end, era) = watch::channel(false);
        (Self(end), Era(era))
    }

    /// Ends the era.
    pub fn end(&self) {
        self.0.send_replace(true);
    }
}

impl Era {
    /// Ends with the era; never when nobody can end it any more.
    pub fn over(&self) -> impl Future<Output = ()> + use<> {
        let mut era = self.0.clone();
        async move {
            if era.wait_for(|over| *over).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Default for Era {
    fn default() -> Self {
        EraEnd::begin().1
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn everybody_learns_of_the_end_and_nobody_before() {
        let (end, era) = EraEnd::begin();
        let mut early = Box::pin(era.over());
        assert!(early.as_mut().now_or_never().is_none());
        end.end();
        assert!(early.now_or_never().is_some() && era.over().now_or_never().is_some());
        assert!(Era::default().over().now_or_never().is_none());
    }
}
