//! Storage byte by byte: a table of types, and a tree that grows and shrinks.

use agora::domain::{Digest, PageKey, SlotId};
use sha3::{Digest as _, Sha3_256};

use crate::harness::*;

fn child(slot: [u8; 32], offset: u32) -> [u8; 32] {
    let mut hasher = Sha3_256::new();
    hasher.update(slot);
    hasher.update(offset.to_le_bytes());
    hasher.finalize().into()
}

fn page(contract: &Contract, slot: [u8; 32]) -> Vec<u8> {
    let key = PageKey { slot: SlotId(Digest::new(slot)), index: 0 };
    contract.state.get(&key).cloned().unwrap_or_default().to_vec()
}

#[tokio::test]
async fn every_type_has_its_bytes() {
    let executor = executor();
    for (type_, value, in_place, indirect) in [
        ("u8", "255", "ff", ""),
        ("i8", "-128", "80", ""),
        ("u24", "66051", "030201", ""),
        ("i256", "-1", &"ff".repeat(32), ""),
        ("bool", "True", "01", ""),
        ("float", "1.5", "000000000000f83f", ""),
        ("str", "'aé'", "03", "61c3a9"),
        ("bytes", "b'\\x01\\x02'", "02", "0102"),
        ("bigint", "128", "02", "8000"),
        ("bigint", "-128", "01", "80"),
        ("Address", "Address('0x' + 'ab' * 20)", &"ab".repeat(20), ""),
        ("Array[u16, typing.Literal[3]]", "[1, 2, 3]", "010002000300", ""),
        ("DynArray[i16]", "[1, -1]", "02", "0100ffff"),
        ("np.float32", "np.float32(-1.5)", "0000c0bf", ""),
        ("np.float64", "np.float64(1.5)", "000000000000f83f", ""),
        ("np.uint16", "np.uint16(258)", "0201", ""),
        ("np.int64", "np.int64(-2)", "feffffffffffffff", ""),
        (
            "np.ndarray[tuple[typing.Literal[2]], np.dtypes.Float32DType]",
            "np.array([1, -2], dtype=np.float32)",
            "0000803f000000c0",
            "",
        ),
        ("DynArray[Pair]", "[Pair(1, True)]", "01", "010001"),
        ("datetime.datetime", "datetime.datetime(1970, 1, 1, 0, 1)", "3c", ""),
        (
            "datetime.datetime",
            "datetime.datetime.fromtimestamp(1, datetime.timezone.utc)",
            "01000000000000000000000001",
            "",
        ),
        (
            "TreeMap[u8, Pair]",
            "gl.storage.inmem_allocate(TreeMap[u8, Pair], {7: Pair(2, True)})",
            "010000000100000000",
            "07020001",
        ),
    ] {
        let source = format!(
            "from genlayer import *\nimport datetime, typing\nimport numpy as np\nfrom dataclasses import dataclass\n\
             @allow_storage\n@dataclass\nclass Pair:\n    a: u16\n    b: bool\n\
             class C(gl.Contract):\n    x: {type_}\n    def __init__(self):\n        \
             self.x = {value}\n"
        );
        let contract = Contract::deploy(&executor, &source, vec![]).await;
        let fields = child([0; 32], 0);
        assert_eq!(page(&contract, fields), kept(in_place), "{type_}");
        let at = if type_.starts_with("TreeMap") { 4 } else { 0 };
        assert_eq!(page(&contract, child(fields, at)), kept(indirect), "{type_}");
    }
}

/// The bytes of a page in hex, without the zeros at its end, which are not kept.
fn kept(text: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    let mut bytes: Vec<u8> = (0..text.len()).step_by(2).map(byte).collect();
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes
}

const TREE: &str = r"
from genlayer import *

class C(gl.Contract):
    x: TreeMap[u8, u8]
    def __init__(self):
        for key in (1, 2, 3):
            self.x[key] = key * 16
    @gl.public.write
    def remove(self, key: int):
        del self.x[key]
    @gl.public.write
    def put(self, key: int):
        self.x[key] = 1
";

/// One node: key, value, left, right, balance.
const fn node(key: u8, value: u8, left: u8, right: u8, balance: u8) -> [u8; 11] {
    [key, value, left, 0, 0, 0, right, 0, 0, 0, balance]
}

#[tokio::test]
async fn a_tree_turns_frees_and_takes_again() {
    let mut contract = Contract::deploy(&executor(), TREE, vec![]).await;
    let fields = child([0; 32], 0);
    let (nodes, free) = (child(fields, 4), child(fields, 8));
    let balanced = [node(1, 16, 0, 0, 0), node(2, 32, 1, 3, 0), node(3, 48, 0, 0, 0)].concat();
    assert_eq!(page(&contract, fields), [2, 0, 0, 0, 3]);
    assert_eq!(page(&contract, nodes), balanced[..24]);
    // The last node leaves the array; another one waits in the list, by its index.
    contract.call("remove", vec![int(3)]).await;
    assert_eq!(page(&contract, fields), [2, 0, 0, 0, 2]);
    assert_eq!(page(&contract, nodes)[11..], [2, 32, 1, 0, 0, 0, 0, 0, 0, 0, 255]);
    contract.call("put", vec![int(3)]).await;
    contract.call("put", vec![int(4)]).await;
    contract.call("remove", vec![int(3)]).await;
    assert_eq!(page(&contract, fields), [2, 0, 0, 0, 4, 0, 0, 0, 1]);
    assert_eq!(page(&contract, free), [2]);
    contract.call("put", vec![int(9)]).await;
    assert_eq!(page(&contract, fields), [2, 0, 0, 0, 4]);
    assert_eq!(page(&contract, nodes)[22], 9);
}

const VECTORS: &str = r"
import numpy as np
import typing
from genlayer import *
import genlayer_embeddings as gle

class C(gl.Contract):
    first: u8
    x: gle.VecDB[np.float32, typing.Literal[2], u16]
    last: u8
    def __init__(self):
        self.last = 255
        for at in (1, 2, 3):
            self.x.insert(np.array([at, 0], dtype=np.float32), at * 16)
        self.x.get_by_id(1).remove()
";

/// Keys, values and a map of the free ids, one after another, as in the public library.
#[tokio::test]
async fn a_database_of_vectors_has_its_bytes() {
    let contract = Contract::deploy(&executor(), VECTORS, vec![]).await;
    let fields = child([0; 32], 0);
    let [root, nodes] = [[1, 0, 0, 0]; 2];
    let expected = [&[0][..], &[3, 0, 0, 0], &[3, 0, 0, 0], &root, &nodes, &[0, 0, 0, 0], &[255]];
    assert_eq!(page(&contract, fields), expected.concat());
    let keys: Vec<u8> =
        [1.0_f32, 0.0, 2.0, 0.0, 3.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    assert_eq!(page(&contract, child(fields, 1)), keys);
    assert_eq!(page(&contract, child(fields, 5)), [16, 0, 32, 0, 48]);
    assert_eq!(page(&contract, child(fields, 13)), [1]);
}
