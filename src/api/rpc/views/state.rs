//! A contract's state, as Studio shows it.

use serde_json::{Map, Value as Json};

use super::base64;
use crate::domain::{PAGE_BYTES, Page, PageKey};

/// Pages in their order as slots: base64 of the slot's name, base64 of its bytes.
pub(in crate::api::rpc) fn slots(pages: Vec<(PageKey, Page)>) -> Json {
    let mut slots: Map<String, Json> = Map::new();
    let mut current: Option<(crate::domain::SlotId, Vec<u8>)> = None;
    let mut close = |slot: Option<(crate::domain::SlotId, Vec<u8>)>| {
        if let Some((slot, bytes)) = slot {
            slots.insert(base64(slot.0.as_bytes()), base64(&bytes).into());
        }
    };
    for (key, page) in pages {
        if current.as_ref().is_none_or(|(slot, _)| *slot != key.slot) {
            close(current.take());
            current = Some((key.slot, Vec::new()));
        }
        if let Some((_, bytes)) = &mut current {
            let start = usize::try_from(key.index).unwrap_or(0).saturating_mul(PAGE_BYTES);
            // A page far beyond what is shown would only make a hole.
            if start <= bytes.len().saturating_add(SHOWN_HOLE_MAX) {
                bytes.resize(start.max(bytes.len()), 0);
                bytes.extend_from_slice(&page);
            }
        }
    }
    close(current);
    Json::Object(slots)
}

/// Zero bytes between two pages that are shown, at most.
const SHOWN_HOLE_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Digest, SlotId};

    #[test]
    fn pages_of_a_slot_are_joined_with_the_zeros_between_them() {
        let key = |slot, index| PageKey { slot: SlotId(Digest::new([slot; 32])), index };
        let page = |bytes: &[u8]| Page::copy_from_slice(bytes);
        let pages =
            vec![(key(1, 0), page(b"ab")), (key(1, 1), page(b"c")), (key(2, 0), page(b"d"))];
        let slots = slots(pages);
        let first = slots[base64(&[1; 32])].as_str().unwrap();
        let bytes = super::super::from_base64(first);
        assert_eq!(
            (bytes.len(), &bytes[..2], bytes[PAGE_BYTES]),
            (PAGE_BYTES + 1, &b"ab"[..], b'c')
        );
        assert_eq!(slots[base64(&[2; 32])], base64(b"d"));
    }
}
