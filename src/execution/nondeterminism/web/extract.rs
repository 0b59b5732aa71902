//! Text out of a page without a browser.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::Semaphore;

use super::nesting::{flattened, texts};
use crate::domain::Bytes;
use crate::execution::nondeterminism::WebResponse;
use crate::execution::nondeterminism::aside::aside;

/// Wide enough that no line of a page is broken.
const WIDTH: usize = 20_000;

/// What can be read in a response: the text of HTML, and other text as it is.
pub(super) async fn text(response: WebResponse) -> Result<String, String> {
    let kind = response.headers.get("content-type").map(|kind| kind.to_ascii_lowercase());
    let is = |what: &[u8]| {
        kind.as_ref().is_some_and(|kind| kind.windows(what.len()).any(|part| part == what))
    };
    let plain = is(b"text/plain") || is(b"json") || is(b"csv") || is(b"markdown");
    if plain && !is(b"html") {
        return Ok(String::from_utf8_lossy(&response.body).into_owned());
    }
    html(response.body).await
}

/// Pages whose text is taken out at the same time: who no longer waits for one cannot stop it.
static EXTRACTIONS: Semaphore = Semaphore::const_new(2);

/// The text of HTML, taken out beside the event loop: a large page takes its time.
pub(super) async fn html(body: Bytes) -> Result<String, String> {
    let permit = EXTRACTIONS.acquire().await.map_err(|closed| closed.to_string())?;
    let html = String::from_utf8_lossy(&body).into_owned();
    let laid_out = aside(move || {
        let _permit = permit;
        let text = lay_out(&flattened(&html));
        // Some pages are beyond what can be laid out; their texts are there all the same.
        text.or_else(|| lay_out(&texts(&html)))
    });
    let text = laid_out.await.flatten().ok_or("the page cannot be read: it makes no sense")?;
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    Ok(lines.join("\n").trim().to_owned())
}

fn lay_out(html: &str) -> Option<String> {
    let settings = html2text::config::plain_no_decorate()
        .no_table_borders()
        .no_link_wrapping()
        .allow_width_overflow();
    let laid_out =
        catch_unwind(AssertUnwindSafe(|| settings.string_from_read(html.as_bytes(), WIDTH).ok()));
    laid_out.ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn text_of(page: String) -> String {
        // A page that took longer would hold up everybody who wants one.
        let text = tokio::time::timeout(
            std::time::Duration::from_secs(20),
            html(Bytes::from(page.into_bytes())),
        );
        text.await.expect("in time").expect("some text")
    }

    #[tokio::test]
    async fn pages_that_nest_without_end_are_read_in_time() {
        for element in ["<div>", "<blockquote>", "<ol><li>", "<table><tr><td>", "<b><i>"] {
            let page = format!("<h1>Head</h1>{}body &amp; soul", element.repeat(100_000));
            assert_eq!(text_of(page).await, "Head\nbody & soul", "{element}");
        }
    }

    #[tokio::test]
    async fn a_table_that_cannot_be_laid_out_has_its_texts() {
        for page in [
            "<table><tr><td colspan=4294967295>a</td><td>b</td></tr></table>",
            "<table><tr><td colspan=4294967295>a<tr><td colspan=18446744073709551615>b</table>",
            "<table><tr><td colspan=9223372036854775807>a<td colspan=9223372036854775807>b</table>",
        ] {
            let text = text_of(page.to_owned()).await;
            assert_eq!(text.split_whitespace().collect::<Vec<_>>(), ["a", "b"], "{page}");
        }
    }
}
