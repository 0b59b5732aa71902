//! Neither models nor a web: everything is refused.

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use super::{
    Answer, Asker, Models, NoAnswer, Prompt, RenderRequest, Rendered, Web, WebRequest, WebResponse,
};

/// Refuses everything, in words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Absent;

impl Models for Absent {
    fn ask(&self, _asker: Asker, _prompt: Prompt) -> BoxFuture<'static, Result<Answer, NoAnswer>> {
        let reason = "there are no models here".to_owned();
        ready(Err(NoAnswer::Refused { code: "LLM_NO_PROVIDER", reason })).boxed()
    }
}

fn no_web<T: Send + 'static>() -> BoxFuture<'static, Result<T, NoAnswer>> {
    let reason = "there is no web here".to_owned();
    ready(Err(NoAnswer::Refused { code: "WEB_REQUEST_FAILED", reason })).boxed()
}

impl Web for Absent {
    fn fetch(
        &self,
        _asker: Asker,
        _request: WebRequest,
    ) -> BoxFuture<'static, Result<WebResponse, NoAnswer>> {
        no_web()
    }

    fn render(
        &self,
        _asker: Asker,
        _request: RenderRequest,
    ) -> BoxFuture<'static, Result<Rendered, NoAnswer>> {
        no_web()
    }
}
