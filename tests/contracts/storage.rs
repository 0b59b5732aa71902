//! Storage: layout byte by byte, every type, and collections against plain Python ones.

use agora::domain::calldata::Value;
use agora::domain::{Digest, ExecutionOutcome, PageKey, SlotId};
use sha3::{Digest as _, Sha3_256};

use crate::harness::*;

fn child(slot: [u8; 32], offset: u32) -> [u8; 32] {
    let mut hasher = Sha3_256::new();
    hasher.update(slot);
    hasher.update(offset.to_le_bytes());
    hasher.finalize().into()
}

const LAYOUT: &str = r#"
from dataclasses import dataclass
from genlayer import *

@allow_storage
@dataclass
class Pair:
    left: u8
    right: i16

class Layout(gl.Contract):
    small: u16
    negative: i32
    flag: bool
    owner: Address
    name: str
    items: DynArray[u32]
    pair: Pair
    big: bigint
    table: TreeMap[u8, u16]

    def __init__(self):
        self.small = 0x0102
        self.negative = -2
        self.flag = True
        self.owner = gl.message.sender_address
        self.name = "né"
        self.items.append(7)
        self.items.append(8)
        self.pair = Pair(9, -1)
        self.big = -129
        self.table[5] = 6
"#;

#[tokio::test]
async fn fields_lie_where_the_layout_says() {
    let contract = Contract::deploy(&executor(), LAYOUT, vec![]).await;
    let page = |slot: [u8; 32]| {
        let key = PageKey { slot: SlotId(Digest::new(slot)), index: 0 };
        contract.state.get(&key).cloned().unwrap_or_default().to_vec()
    };
    let fields = child([0; 32], 0);
    let mut expected = vec![2, 1, 0xfe, 0xff, 0xff, 0xff, 1];
    expected.extend([0xaa; 20]);
    expected.extend([3, 0, 0, 0]);
    expected.extend([2, 0, 0, 0]);
    expected.extend([9, 0xff, 0xff]);
    expected.extend([2, 0, 0, 0]);
    expected.extend([1, 0, 0, 0, 1]);
    assert_eq!(page(fields), expected);
    assert_eq!(page(child(fields, 27)), "né".as_bytes());
    assert_eq!(page(child(fields, 31)), [7, 0, 0, 0, 8]);
    assert_eq!(page(child(fields, 38)), [0x7f, 0xff]);
    assert_eq!(page(child(fields, 46)), [5, 6]);
    // What is locked from the start: the root, the code, and the lists of locks and of upgraders.
    let lists = [1, 2, 3].map(|offset| child([0; 32], offset));
    let locked = [[4, 0, 0, 0].as_slice(), &[0; 32], lists.as_flattened()].concat();
    assert_eq!(page(child([0; 32], 2)), locked);
    assert_eq!(contract.state.len(), 6);
}

const MODEL: &str = r#"
import random
from dataclasses import dataclass
from genlayer import *

@allow_storage
@dataclass
class Item:
    name: str
    tags: DynArray[str]
    count: u64

class Model(gl.Contract):
    numbers: TreeMap[i64, str]
    words: TreeMap[str, DynArray[u8]]
    items: DynArray[Item]
    list: DynArray[str]
    grid: Array[u16, 4]

    def __init__(self):
        pass

    def _balanced(self):
        """Depth of the tree, which its balances must tell rightly."""
        tree = self.numbers._codec.tree(self.numbers._slot, self.numbers._offset)
        def depth(node):
            if not node:
                return 0
            left, right, balance = tree._links(node)
            low, high = depth(left), depth(right)
            assert balance == high - low and abs(balance) < 2, (balance, low, high)
            return 1 + max(low, high)
        return depth(tree._u32(0))

    @gl.public.write
    def maps(self, seed: int, steps: int) -> int:
        chance = random.Random(seed)
        model = dict(self.numbers.items())
        for _ in range(steps):
            key = chance.randrange(-40, 40)
            if chance.random() < 0.55:
                model[key] = self.numbers[key] = str(chance.random())[:chance.randrange(12)]
            else:
                assert self.numbers.pop(key, None) == model.pop(key, None)
        self._balanced()
        assert list(self.numbers.items()) == sorted(model.items())
        assert len(self.numbers) == len(model)
        assert all((key in self.numbers) == (key in model) for key in range(-45, 45))
        return len(model)

    @gl.public.write
    def lists(self, seed: int, steps: int) -> int:
        chance = random.Random(seed)
        model = list(self.list)
        for step in range(steps):
            at = chance.randrange(len(model)) if model else 0
            match chance.randrange(6):
                case 0 | 1 | 2:
                    self.list.append(str(step)); model.append(str(step))
                case 3 if model:
                    del self.list[at]; del model[at]
                case 4 if model:
                    self.list[at] = "x" * at; model[at] = "x" * at
                case 5:
                    self.list.insert(at, "new"); model.insert(at, "new")
        assert self.list == model and list(reversed(self.list)) == model[::-1]
        assert self.list[-3:] == model[-3:] and ("new" in self.list) == ("new" in model)
        return len(model)

    @gl.public.write
    def nested(self) -> list:
        self.words.get_or_insert_default("a").append(1)
        self.words["a"].append(2)
        self.words["b"] = [3]
        item = self.items.append_new_get()
        item.name, item.count = "first", 3
        item.tags.extend(["x", "y"])
        self.items.append(self.items[0])
        self.items[0].tags.pop()
        self.items[1].count += 1
        assert isinstance(item, Item) and self.items[0] != self.items[1]
        copy = gl.storage.copy_to_memory(self.items[1])
        self.items[1].name = "second"
        assert copy.name == "first" and copy.tags == ["x", "y"]
        self.grid[3] = 65535
        self.grid = [1, *self.grid[1:]]
        return [dict(self.words.items()), self.items, self.grid]

    @gl.public.write
    def reuse(self) -> list:
        self.items.append_new_get().tags.append("old")
        self.items.pop()
        self.words.get_or_insert_default("k").append(9)
        del self.words["k"]
        return [self.items.append_new_get(), self.words.get_or_insert_default("k")]
"#;

#[tokio::test]
async fn maps_and_lists_behave_as_those_of_python() {
    let mut model = Contract::deploy(&executor(), MODEL, vec![]).await;
    for seed in 0..4 {
        model.call("maps", vec![int(seed), int(150)]).await;
        model.call("lists", vec![int(seed), int(80)]).await;
    }
}

#[tokio::test]
async fn collections_nest_and_records_copy() {
    let mut model = Contract::deploy(&executor(), MODEL, vec![]).await;
    let item = |name, tags: &[&str], count| {
        let tags = tags.iter().map(|tag| text(tag)).collect();
        Value::map([("name", text(name)), ("tags", Value::Array(tags)), ("count", int(count))])
    };
    let numbers = |numbers: &[i64]| Value::Array(numbers.iter().map(|n| int(*n)).collect());
    let expected = Value::Array(vec![
        Value::map([("a", numbers(&[1, 2])), ("b", numbers(&[3]))]),
        Value::Array(vec![item("first", &["x"], 3), item("second", &["x", "y"], 4)]),
        numbers(&[1, 0, 0, 65535]),
    ]);
    assert_eq!(model.call("nested", vec![]).await, expected);
    let fresh = Value::Array(vec![item("", &[], 0), numbers(&[])]);
    assert_eq!(model.call("reuse", vec![]).await, fresh);
}

/// A contract with one field, and a constructor that does one thing.
async fn check_refused(field: &str, action: &str, words: &str) {
    let source = format!(
        "from genlayer import *\nclass X(gl.Contract):\n    f: {field}\n    def __init__(self):\n        {action}\n"
    );
    let execution =
        agora::execution::Executor::execute(&executor(), request(&source, None, vec![]));
    let execution = execution.await.unwrap();
    assert_eq!(execution.outcome, ExecutionOutcome::VmError("exit_code 1".into()));
    assert!(execution.stderr.contains(words), "{}", execution.stderr);
}

#[tokio::test]
async fn values_that_do_not_fit_are_refused_in_words() {
    check_refused("u8", "self.f = 256", "OverflowError: field `f`: 256 is out of range for `u8`")
        .await;
    check_refused("i8", "self.f = -129", "OverflowError").await;
    check_refused("u256", "self.f = -1", "OverflowError").await;
    let text = "AttributeError: field `f`: `u8` storage takes an int, not `str`";
    check_refused("u8", "self.f = 'x'", text).await;
    check_refused("str", "self.f = 1", "AttributeError: field `f`: `str` storage takes").await;
    check_refused("Address", "self.f = '0x00'", "takes an Address, not `str`").await;
    check_refused("bytes", "self.f = 'x'", "TypeError: field `f`: `bytes` storage takes").await;
    check_refused("TreeMap[str, u8]", "self.f[1] = 2", "keys of this TreeMap are `str`").await;
    check_refused("DynArray[u8]", "self.f = DynArray()", "can't be instantiated by user").await;
    let words = "AssertionError: field `f`: Is right the same storage type? `TreeMap` <- `dict`";
    check_refused("TreeMap[str, u8]", "self.f = {}", words).await;
    check_refused("TreeMap[str, u8]", "self.f = 1", "`TreeMap[str, u8]` <- `int`").await;
    check_refused("Array[u8, 2]", "self.f = [1]", "AssertionError: field `f`: `Array").await;
}

#[tokio::test]
async fn types_without_a_size_are_refused_in_words() {
    check_refused("int", "pass", "`f` of `X`: plain `int` has no size: use `u256`").await;
    check_refused("list", "pass", "`list` cannot be stored: use `DynArray").await;
    check_refused("dict[str, int]", "pass", "`dict` cannot be stored: use `TreeMap").await;
    check_refused("DynArray[int]", "pass", "plain `int` has no size").await;
    check_refused("TreeMap[DynArray[u8], u8]", "pass", "cannot be a key of a TreeMap").await;
}
