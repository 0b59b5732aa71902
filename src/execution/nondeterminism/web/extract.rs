//! Text out of a page without a browser.

use crate::domain::Bytes;
use crate::execution::nondeterminism::WebResponse;

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

/// The text of HTML, taken out beside the event loop: a large page takes its time.
pub(super) async fn html(body: Bytes) -> Result<String, String> {
    let work = tokio::task::spawn_blocking(move || {
        let text = String::from_utf8_lossy(&body);
        html2text::config::plain_no_decorate()
            .no_table_borders()
            .no_link_wrapping()
            .allow_width_overflow()
            .string_from_read(text.as_bytes(), WIDTH)
    });
    let text = work.await.map_err(|error| format!("the page cannot be read: {error}"))?;
    let text = text.map_err(|error| format!("the page cannot be read: {error}"))?;
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    Ok(lines.join("\n").trim().to_owned())
}
