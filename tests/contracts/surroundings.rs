//! What contracts under test find around them: models, a web, and other contracts.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use agora::domain::ledger::{Snapshot, StateVersion};
use agora::domain::{Address, Amount, Bytes, Code, Pages};
use agora::execution::nondeterminism::{
    Answer, Asker, Models, NoAnswer, Prompt, RenderMode, RenderRequest, Rendered, Services, Web,
    WebRequest, WebResponse,
};
use agora::execution::python::PythonExecutor;
use agora::execution::{ExecutionError, NoWorld, OtherContract, World};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use crate::harness::{Remote, settings};

/// A screenshot as everybody sees it: a PNG file of 3 x 2 pixels, of which the first row is blue, red
/// and green.
pub(crate) static PICTURE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 3, 2);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    let blue_red_green = [0, 0, 255, 255, 0, 0, 0, 255, 0];
    writer.write_image_data(&[blue_red_green, [0; 9]].concat()).unwrap();
    writer.finish().unwrap();
    file
});

type AnswerPrompt = dyn Fn(&Asker, &Prompt) -> Result<Answer, NoAnswer> + Send + Sync;
type AnswerRequest = dyn Fn(&Asker, &WebRequest) -> Result<WebResponse, NoAnswer> + Send + Sync;

/// Models and a web that are functions, and what they were asked.
#[derive(Clone)]
pub(crate) struct Told {
    prompts: Arc<AnswerPrompt>,
    requests: Arc<AnswerRequest>,
    pub(crate) asked: Arc<Mutex<Vec<(Asker, String)>>>,
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Told")
    }
}

/// A page with this body.
pub(crate) fn page(body: &str) -> WebResponse {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let headers = BTreeMap::from([("content-type".to_owned(), Bytes::from_static(b"text/plain"))]);
    WebResponse { status: 200, headers, body }
}

/// A refusal.
pub(crate) fn refused(reason: &str) -> NoAnswer {
    NoAnswer::Refused { code: "WEB_REQUEST_FAILED", reason: reason.to_owned() }
}

impl Told {
    /// Answers prompts and requests like this.
    pub(crate) fn new(
        prompts: impl Fn(&Asker, &Prompt) -> Result<Answer, NoAnswer> + Send + Sync + 'static,
        requests: impl Fn(&Asker, &WebRequest) -> Result<WebResponse, NoAnswer> + Send + Sync + 'static,
    ) -> Self {
        Self { prompts: Arc::new(prompts), requests: Arc::new(requests), asked: Arc::default() }
    }

    /// An executor whose contracts find these, with so many workers.
    pub(crate) fn executor(&self, workers_max: usize) -> PythonExecutor {
        let services = Services { models: Arc::new(self.clone()), web: Arc::new(self.clone()) };
        PythonExecutor::start(settings(workers_max), services).unwrap()
    }

    fn note(&self, asker: &Asker, what: String) {
        self.asked.lock().unwrap().push((asker.clone(), what));
    }
}

impl Models for Told {
    fn ask(&self, asker: Asker, prompt: Prompt) -> BoxFuture<'static, Result<Answer, NoAnswer>> {
        self.note(&asker, format!("{prompt:?}"));
        ready((self.prompts)(&asker, &prompt)).boxed()
    }
}

impl Web for Told {
    fn fetch(
        &self,
        asker: Asker,
        request: WebRequest,
    ) -> BoxFuture<'static, Result<WebResponse, NoAnswer>> {
        self.note(&asker, format!("{request:?}"));
        ready((self.requests)(&asker, &request)).boxed()
    }

    fn render(
        &self,
        asker: Asker,
        request: RenderRequest,
    ) -> BoxFuture<'static, Result<Rendered, NoAnswer>> {
        self.note(&asker, format!("{request:?}"));
        if request.mode == RenderMode::Screenshot {
            return ready(Ok(Rendered::Image(Bytes::copy_from_slice(&PICTURE)))).boxed();
        }
        let text = format!("{} for {} ms", request.url, request.wait.as_millis());
        ready(Ok(Rendered::Text(text))).boxed()
    }
}

/// Other contracts, and what somebody has.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    pub(crate) contracts: BTreeMap<(Address, StateVersion), (String, Pages)>,
    pub(crate) balances: BTreeMap<Address, Amount>,
}

impl World for Neighbours {
    fn contract(
        &self,
        address: Address,
        version: StateVersion,
    ) -> BoxFuture<'static, Result<Option<OtherContract>, ExecutionError>> {
        let found = self.contracts.get(&(address, version)).map(|(source, pages)| OtherContract {
            code: Code::new(Bytes::copy_from_slice(source.as_bytes())),
            balance: Amount::from(70),
            snapshot: Snapshot { pages: Arc::new(pages.clone()), complete: true },
            pages: Arc::new(Remote::default()),
        });
        ready(Ok(found)).boxed()
    }

    fn balance(&self, address: Address) -> BoxFuture<'static, Result<Amount, ExecutionError>> {
        match self.balances.get(&address) {
            Some(balance) => ready(Ok(*balance)).boxed(),
            None => NoWorld.balance(address),
        }
    }
}
