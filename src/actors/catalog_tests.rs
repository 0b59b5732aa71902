//! Models that answer at once, late or not at all, and how often they are asked.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::*;
use crate::actors::testing::paused;
use crate::execution::nondeterminism::{Answer, Asker, NoAnswer, Prompt};

/// Answers a probe after as many seconds as the model's name says; `never` does not answer.
#[derive(Debug, Default)]
struct Slow {
    probes: AtomicUsize,
}

impl Models for Slow {
    fn ask(&self, _: Asker, prompt: Prompt) -> BoxFuture<'static, Result<Answer, NoAnswer>> {
        panic!("nobody asks {prompt:?}")
    }

    fn known(&self) -> Vec<ModelChoice> {
        Vec::new()
    }

    fn probe(&self, choice: ModelChoice) -> BoxFuture<'static, bool> {
        self.probes.fetch_add(1, Ordering::Relaxed);
        let pause = choice.model.parse().map(Duration::from_secs);
        async move {
            tokio::time::sleep(pause.clone().unwrap_or_default()).await;
            pause.is_ok()
        }
        .boxed()
    }
}

fn entries(models: &[&str]) -> Vec<ProviderEntry> {
    let choice =
        |model: &&str| ModelChoice { model: (*model).to_owned(), ..ModelChoice::simulated() };
    ProviderEntry::defaults(&models.iter().map(choice).collect::<Vec<_>>())
}

#[test]
fn who_answers_late_is_known_later_and_nobody_is_asked_twice() {
    paused(|| async {
        let slow = Arc::new(Slow::default());
        let catalog = Catalog::new(slow.clone());
        let answers = async || {
            let records = catalog.records(entries(&["0", "2", "20", "never"])).await;
            records.iter().map(|record| record.is_model_available).collect::<Vec<_>>()
        };
        let asked = || slow.probes.load(Ordering::Relaxed);
        let started = Instant::now();
        assert_eq!(answers().await, [true, true, false, false]);
        assert_eq!((started.elapsed(), asked()), (PATIENCE, 4));
        assert_eq!(answers().await, [true, true, false, false]);
        assert_eq!((started.elapsed(), asked()), (PATIENCE, 4), "who is asked is not waited for");
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!(answers().await, [true, true, true, false]);
        assert_eq!(asked(), 4);
        tokio::time::sleep(DISBELIEVED).await;
        answers().await;
        assert_eq!(asked(), 5, "who did not answer is asked again soon");
        tokio::time::sleep(BELIEVED).await;
        answers().await;
        assert_eq!(asked(), 9, "and everybody later");
    });
}

#[test]
fn nobody_is_asked_without_a_key() {
    paused(|| async {
        let slow = Arc::new(Slow::default());
        let catalog = Catalog::new(slow.clone());
        let mut keyed = entries(&["0"]);
        keyed[0].choice.plugin_config.insert("api_key_env_var".to_owned(), "A_KEY".into());
        let records = catalog.records(keyed).await;
        assert_eq!((records[0].is_available, records[0].is_model_available), (false, false));
        assert_eq!(slow.probes.load(Ordering::Relaxed), 0);
    });
}
