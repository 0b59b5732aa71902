//! The contract's own code, as the running contract reads and replaces it.

use std::ops::Range;

use crate::domain::Bytes;
use crate::execution::package::is_archive;

/// Most bytes of code a contract may give itself: as much as one that it deploys.
pub(super) const CODE_BYTES_MAX: usize = 1 << 20;

/// Code while it is edited. What runs stays what it was.
#[derive(Debug, Clone, Default)]
pub(super) struct Program {
    original: Bytes,
    edited: Option<Vec<u8>>,
}

impl Program {
    /// Code that nobody has touched.
    pub(super) const fn new(original: Bytes) -> Self {
        Self { original, edited: None }
    }

    /// The code as it is now.
    pub(super) fn bytes(&self) -> &[u8] {
        self.edited.as_deref().unwrap_or(&self.original)
    }

    /// Puts `bytes` in place of a range; false when that is too much, and then nothing changed.
    pub(super) fn replace(&mut self, range: Range<usize>, bytes: &[u8]) -> bool {
        let length = self.bytes().len();
        let end = range.end.min(length);
        let start = range.start.min(end);
        if length - (end - start) + bytes.len() > CODE_BYTES_MAX {
            return false;
        }
        let edited = self.edited.get_or_insert_with(|| self.original.to_vec());
        edited.splice(start..end, bytes.iter().copied());
        true
    }

    /// The code from now on, when it is other code.
    pub(super) fn changed(&self) -> Option<Bytes> {
        let edited = self.edited.as_ref().filter(|edited| **edited != self.original)?;
        Some(Bytes::copy_from_slice(edited))
    }
}

/// Can this be a contract's code? The error is in words for its author. What it says as Python is
/// seen when it is loaded.
pub(super) fn check(code: &[u8]) -> Result<(), String> {
    let bytes = code.len();
    if bytes > CODE_BYTES_MAX {
        return Err(format!(
            "the contract's new code has {bytes} bytes; at most {CODE_BYTES_MAX} are allowed"
        ));
    }
    if is_archive(code) {
        return Ok(());
    }
    let text = std::str::from_utf8(code).ok().ok_or(
        "the contract's new code is no code: neither UTF-8 text nor a zip archive of several files",
    )?;
    if text.trim().is_empty() {
        return Err("the contract's new code is empty".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_edited_in_place_and_equal_code_is_no_change() {
        let mut program = Program::new(Bytes::from_static(b"abcdef"));
        assert!(program.replace(1..3, b"XYZ") && program.bytes() == b"aXYZdef");
        assert_eq!(program.changed(), Some(Bytes::from_static(b"aXYZdef")));
        assert!(program.replace(0..usize::MAX, b"abcdef"));
        assert_eq!(program.changed(), None);
    }

    #[test]
    fn code_has_a_limit() {
        let mut program = Program::new(Bytes::from_static(b"ab"));
        assert!(!program.replace(2..2, &vec![b'x'; CODE_BYTES_MAX - 1]));
        assert_eq!(program.bytes(), b"ab");
        assert!(program.replace(2..2, &vec![b'x'; CODE_BYTES_MAX - 2]));
        assert!(check(program.bytes()).is_ok());
    }

    #[test]
    fn what_is_no_code_is_refused_in_words() {
        let large = vec![b'x'; CODE_BYTES_MAX + 1];
        for (code, words) in [
            (b"".as_slice(), "empty"),
            (b" \n\t", "empty"),
            (b"\xff\xfe", "neither UTF-8 text nor a zip archive"),
            (&large, "has 1048577 bytes; at most 1048576"),
        ] {
            let refused = check(code).unwrap_err();
            assert!(refused.contains(words), "{refused}");
        }
        assert_eq!(check(b"PK\x03\x04 \xff what this holds is seen later"), Ok(()));
        assert_eq!(check(b"def broken(:"), Ok(()));
    }
}
