//! What a contract prints, up to a limit.

/// Most bytes of printed text that are kept, and as many of traceback and warnings.
pub(super) const OUTPUT_BYTES_MAX: usize = 64 << 10;

/// Text of which the first part is kept.
#[derive(Debug, Default)]
pub(super) struct Output {
    text: String,
    full: bool,
}

impl Output {
    /// Adds text, as far as there is room.
    pub(super) fn push(&mut self, text: &str) {
        if self.full {
            return;
        }
        let room = OUTPUT_BYTES_MAX.saturating_sub(self.text.len());
        if text.len() <= room {
            self.text.push_str(text);
            return;
        }
        self.full = true;
        self.text.push_str(text.get(..text.floor_char_boundary(room)).unwrap_or_default());
        self.text.push_str("\n… [truncated]\n");
    }

    /// What was kept.
    pub(super) fn into_text(self) -> String {
        self.text
    }
}
