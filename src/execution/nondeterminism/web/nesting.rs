//! How deep a page's elements lie in each other, and a page without that.
//!
//! What lays out a page takes time that grows with the square of this depth. One look at the tags,
//! in order, tells which pages would take too long.

use std::borrow::Cow;

/// Elements within elements; pages that people read have a few dozen.
const DEPTH_MAX: usize = 400;
/// Elements without content, and those that the next of their kind ends.
const NEVER_DEEP: [&str; 31] = [
    "area", "base", "body", "br", "col", "colgroup", "dd", "dt", "embed", "frame", "head", "hr",
    "html", "img", "input", "li", "link", "meta", "optgroup", "option", "p", "param", "source",
    "tbody", "td", "tfoot", "th", "thead", "tr", "track", "wbr",
];
/// Elements whose content is no text of the page.
const UNREAD: [&str; 3] = ["script", "style", "template"];

/// The page, or its texts without elements when those lie too deep.
pub(super) fn flattened(html: &str) -> Cow<'_, str> {
    if depth(html) <= DEPTH_MAX { Cow::Borrowed(html) } else { Cow::Owned(texts(html)) }
}

/// The texts of a page, one to a line.
pub(super) fn texts(html: &str) -> String {
    let mut all = String::with_capacity(html.len());
    for piece in Pieces(html) {
        let text = piece.text.trim();
        if !text.is_empty() {
            all.push_str(text);
            all.push_str("<br>\n");
        }
    }
    all
}

fn depth(html: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    for piece in Pieces(html) {
        match piece.tag {
            Some(Tag { name, .. }) if NEVER_DEEP.iter().any(|it| it.eq_ignore_ascii_case(name)) => {
            }
            Some(Tag { is_end: true, .. }) => open = open.saturating_sub(1),
            Some(_) => open += 1,
            None => {}
        }
        deepest = deepest.max(open);
    }
    deepest
}

struct Tag<'a> {
    name: &'a str,
    is_end: bool,
}

/// A text, and the tag after it.
struct Piece<'a> {
    text: &'a str,
    tag: Option<Tag<'a>>,
}

/// The pieces of what is left of a page.
struct Pieces<'a>(&'a str);

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.0.is_empty() {
            return None;
        }
        let Some((text, rest)) = self.0.split_once('<') else {
            let text = std::mem::take(&mut self.0);
            return Some(Piece { text, tag: None });
        };
        if let Some(comment) = rest.strip_prefix("!--") {
            self.0 = comment.split_once("-->").map_or("", |(_, after)| after);
            return Some(Piece { text, tag: None });
        }
        let (inner, after) = rest.split_once('>').unwrap_or((rest, ""));
        self.0 = after;
        let tag = tag(inner);
        if let Some(Tag { name, is_end: false }) = tag
            && UNREAD.iter().any(|it| it.eq_ignore_ascii_case(name))
        {
            self.0 = after_end_of(name, after);
            return Some(Piece { text, tag: None });
        }
        Some(Piece { text, tag })
    }
}

/// What stands between `<` and `>`, when it is a tag that holds something.
fn tag(inner: &str) -> Option<Tag<'_>> {
    let (is_end, inner) = inner.strip_prefix('/').map_or((false, inner), |inner| (true, inner));
    let length = inner.find(|character: char| !character.is_ascii_alphanumeric());
    let name = inner.get(..length.unwrap_or(inner.len())).filter(|name| !name.is_empty())?;
    (!inner.ends_with('/')).then_some(Tag { name, is_end })
}

/// What follows the end of an element; nothing when it has none.
fn after_end_of<'a>(name: &str, html: &'a str) -> &'a str {
    let ends = html.match_indices("</").find(|(position, _)| {
        let named = html.get(position + 2..).and_then(|rest| rest.get(..name.len()));
        named.is_some_and(|found| found.eq_ignore_ascii_case(name))
    });
    ends.and_then(|(position, _)| html.get(position..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_what_lies_within_each_other() {
        for (html, expected) in [
            ("", 0),
            ("text < 5 and > 3", 0),
            ("<p>a<p>b<li>c<br><img src=x>", 0),
            ("<div><b>a</b></div><div>b</div>", 2),
            ("<!-- <div><div><div> --><div/>", 0),
            ("<script>if (a<b) { x<y }</SCRIPT><b>c</b>", 1),
            ("<script>never ends <div>", 0),
            ("</div></div><DIV>", 1),
        ] {
            assert_eq!(depth(html), expected, "{html}");
        }
    }

    #[test]
    fn only_what_is_too_deep_is_flattened() {
        let nested =
            |count: usize| format!("{}a&amp;b{}", "<ol>".repeat(count), "</ol>".repeat(count));
        assert!(matches!(flattened(&nested(DEPTH_MAX)), Cow::Borrowed(_)));
        let deep = format!("{}<script>no</script> <b>c</b>", nested(DEPTH_MAX + 1));
        assert_eq!(flattened(&deep), "a&amp;b<br>\nc<br>\n");
    }
}
