//! Contracts that want all of the machine: memory, time, the stack, and room in what they answer.

use crate::trial::{Trial, Verdict};

use Verdict::{Fails, FailsOrStopped, Harmless, Returns, Stopped};

/// Out of memory, or an error that says so.
const TOO_LARGE: Verdict = FailsOrStopped(&["OOM", "exit_code 1"]);
/// The stack has an end: the interpreter's count, or the worker's.
const TOO_DEEP: Verdict = FailsOrStopped(&["exit_code 1", "OOM"]);

#[tokio::test]
async fn values_larger_than_memory_are_refused() {
    let trial = Trial::new(2).await;
    for body in [
        "return len('x' * 10**10)",
        "return len(b'x' * 10**11)",
        "return len([0] * 10**10)",
        "return len((0,) * 10**12)",
        "return len(bytearray(10**12))",
        "return len(list(range(10**12)))",
        "return len(dict.fromkeys(range(10**12)))",
        "return len(set(range(10**12)))",
        "return len('{:10000000000}'.format(1))",
        "return len(f'{1:>10000000000}')",
        "return len('%*d' % (10**10, 1))",
        "return len('x'.center(10**11))",
        "return len('x'.zfill(10**11))",
        "return len('\\t'.expandtabs(10**11))",
        "return len(','.join(['x' * 10**6] * 10**6))",
        "return len('x' * 10**6).__format__('d') + 'x'.replace('x', 'y' * 10**9) * 100",
        "return len((1).to_bytes(10**11, 'big'))",
        "return 1 << 2**62",
        "import itertools\n---\nreturn len(list(itertools.product(range(10**6), repeat=4)))",
        "import itertools\n---\nreturn len(list(itertools.cycle('ab')))",
        "held = ()\nwhile True:\n    held = (held, 'x' * 10**6)",
        "held = {}\nwhile True:\n    held[len(held)] = bytes(10**6)",
    ] {
        trial.check(body, TOO_LARGE).await;
    }
}

#[tokio::test]
async fn work_without_end_is_stopped() {
    let trial = Trial::new(2).await;
    for body in [
        "while True:\n    try:\n        while True:\n            pass\n    finally:\n        continue",
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    while True:\n        pass",
        "class Endless:\n    def __del__(self):\n        while True:\n            pass\nEndless()",
        "import itertools\n---\nreturn sum(itertools.count())",
        "return sum(iter(int, 1))",
        "def endless():\n    while True:\n        yield 1\nreturn max(endless())",
        "return 5 in iter(int, 1)",
        "import re\n---\nreturn bool(re.match('(a|aa)+$', 'a' * 80 + 'b'))",
        "import re\n---\nreturn bool(re.search('(.*)*x', 'a' * 80))",
        "while True:\n    print('x' * 1000)",
        "class Odd(Exception):\n    def __str__(self):\n        while True:\n            pass\nraise Odd",
        "class Odd:\n    def __eq__(self, other):\n        while True:\n            pass\n\
         return Odd() in [1]",
        "class Odd(int):\n    def __index__(self):\n        while True:\n            pass\n    \
         __le__ = __ge__ = lambda self, other: self.__index__()\nself.n = Odd(3)\nreturn [0][Odd(0)] + range(9)[Odd(1)] + \
         [1 for _ in iter(int, 1)]",
    ] {
        trial.check(body, Stopped).await;
    }
    // Numbers whose powers are too large are stopped or run out of memory; text that is, is refused.
    trial.check("return str(10 ** 10 ** 8)", TOO_LARGE).await;
    trial.check("return 2 ** 2 ** 40", TOO_LARGE).await;
    trial.check("return pow(7, 10**9)", TOO_LARGE).await;
    trial.check("return int('9' * 10 ** 7) % 7", TOO_LARGE).await;
    trial.check("return {k * (2**61 - 1): 1 for k in range(10**6)} == {}", TOO_LARGE).await;
}

/// What runs when the job has ended already delays nobody but its own worker.
#[tokio::test]
async fn an_end_that_does_not_end_is_cut() {
    let body = "class Endless:\n    def __del__(self):\n        while True:\n            pass\n\
                self.endless = Endless()\nself.endless.again = self.endless\nreturn 'done'";
    Trial::new(2).await.check(body, Returns("done")).await;
}

#[tokio::test]
async fn the_stack_has_an_end() {
    let trial = Trial::new(2).await;
    for body in [
        "class Odd:\n    def __repr__(self):\n        return repr(self)\nreturn repr(Odd())",
        "class Odd:\n    def __eq__(self, other):\n        return self == other\nreturn Odd() == Odd()",
        "class Odd:\n    def __hash__(self):\n        return hash(self)\nreturn hash(Odd())",
        "class Odd:\n    def __getattr__(self, name):\n        return getattr(self, name + 'x')\n\
         return Odd().x",
        "class Odd:\n    def __init__(self):\n        Odd()\nOdd()",
        "class Odd(type):\n    def __call__(cls):\n        return cls()\n\
         class Even(metaclass=Odd):\n    pass\nEven()",
        "def dive():\n    yield from dive()\nreturn list(dive())",
        "async def dive():\n    await dive()\ndive().send(None)",
        "def dive(n):\n    try:\n        dive(n + 1)\n    finally:\n        dive(n + 1)\ndive(0)",
        "sys.setrecursionlimit(10**9)\ndef dive():\n    return dive()\nreturn dive()",
    ] {
        trial.check(body, TOO_DEEP).await;
    }
    // Values and sources can be deeper than calls; whoever walks them must know an end as well.
    for body in [
        "import json\n---\nreturn json.loads('[' * 10**5)",
        "import json\n---\nheld = []\nfor _ in range(10**5):\n    held = [held]\nreturn json.dumps(held)",
        "held = []\nfor _ in range(10**5):\n    held = [held]\nreturn repr(held)",
        "held, other = [], []\nfor _ in range(10**5):\n    held, other = [held], [other]\n\
         return held == other",
        "held = []\nfor _ in range(10**5):\n    held = [held]\nreturn held",
        "held = {}\nfor _ in range(10**5):\n    held = {'a': held}\nreturn held",
        "import copy\n---\nheld = []\nfor _ in range(10**5):\n    held = [held]\nreturn copy.deepcopy(held)",
        "return eval('-' * 100000 + '1')",
        "return eval('[' * 100000)",
        "exec('if 1:\\n' + ''.join(' ' * n + 'if 1:\\n' for n in range(1, 5000)) + ' ' * 5000 + 'pass')",
        "return eval('1' + '+1' * 200000)",
        "return eval('x' + '.x' * 100000)",
        "import re\n---\nreturn re.compile('(' * 50000 + ')' * 50000)",
        "base = object\nfor _ in range(500):\n    base = type('Deeper', (base,), {})\nreturn 'done'",
        "error = None\nfor _ in range(10**5):\n    made = ValueError()\n    made.__context__ = error\n    \
         error = made\nraise error",
        "import functools\n---\ndive = len\nfor _ in range(10**5):\n    \
         dive = functools.partial(dive)\nreturn dive('')",
        "return eval('(' * 10000 + ')' * 10000)",
        "held = ()\nfor _ in range(10**5):\n    held = (held,)\nreturn hash(held)",
        "held = []\nfor _ in range(10**6):\n    held = [held]\nreturn 'done'",
        "def kept():\n    yield\nheld = None\nfor _ in range(10**4):\n    held = (kept(), held)\n\
         return 'done'",
    ] {
        trial.check(body, Harmless).await;
    }
}

#[tokio::test]
async fn files_that_dive_while_they_are_loaded_are_refused() {
    let trial = Trial::new(2).await;
    let classes: Vec<String> =
        (0..100).map(|depth| format!("{}class C{depth}:\n", " ".repeat(depth))).collect();
    let nested = format!("from genlayer import *\n{}{}pass\n", classes.concat(), " ".repeat(100));
    for source in [
        "def dive():\n    return dive()\nx = dive()\n",
        "class A:\n    def __init_subclass__(cls):\n        class B(A):\n            pass\n\
         class C(A):\n    pass\n",
        "class Meta(type):\n    def __new__(meta, *args):\n        return Meta(*args)\n\
         class A(metaclass=Meta):\n    pass\n",
        &format!("x = {}1{}\n", "(".repeat(10_000), ")".repeat(10_000)),
        &format!("x = {}\n", "-".repeat(100_000)),
        &format!("x = {}1\n", "not ".repeat(100_000)),
        &format!("x = 1{}\n", "+1".repeat(200_000)),
        &format!("x = {}1{}\n", "f(".repeat(50_000), ")".repeat(50_000)),
        &format!("x = {}0\n", "lambda: ".repeat(50_000)),
        &format!("{}\n", "@a".repeat(50_000)),
        &format!("x = '{}'\n", "\\N{DIGIT ONE}".repeat(100)),
        &nested,
        "\0",
        "x = '\u{0}'\n",
    ] {
        trial
            .check_source(source, FailsOrStopped(&["exit_code 1", "OOM", "invalid_contract"]))
            .await;
    }
}

#[tokio::test]
async fn answers_have_a_size() {
    let trial = Trial::new(2).await;
    trial
        .check_all(&[
            ("return b'x' * 2**21", Fails("exit_code 1", "bytes; at most")),
            ("return {str(n): n for n in range(200000)}", Fails("exit_code 1", "bytes; at most")),
            ("return 1 << 2**13", Fails("exit_code 1", "integer of calldata is too large")),
            ("raise ValueError('x' * 10**7)", Fails("exit_code 1", "[truncated]")),
            ("raise gl.vm.UserError('x' * 10**7)", Fails("exit_code 1", "error text has")),
            ("sys.exit('x' * 10**7)", Fails("exit_code 1", "SystemExit")),
            ("sys.exit(2**70)", Fails("exit_code 0", "SystemExit")),
            ("sys.exit(-1)", Fails("exit_code 255", "SystemExit")),
            ("raise BaseException('b')", Fails("exit_code 1", "BaseException: b")),
            ("raise GeneratorExit", Fails("exit_code 1", "GeneratorExit")),
            ("raise StopIteration", Fails("exit_code 1", "StopIteration")),
            ("raise MemoryError", Fails("OOM", "MemoryError")),
            ("return 1.5", Fails("exit_code 1", "is a float")),
            ("return self", Fails("exit_code 1", "not calldata encodable")),
            ("held = []\nheld.append(held)\nreturn held", Fails("exit_code 1", "")),
            ("return '\\ud800'", Fails("exit_code 1", "surrogate")),
            ("raise gl.vm.UserError('\\ud800')", Harmless),
            ("raise ValueError('\\ud800')", Fails("exit_code 1", "ValueError")),
            ("print('\\ud800', '\\0')\nreturn 'done'", Returns("done")),
            ("return 'a\\0b'", Returns("a\0b")),
            ("self.words['\\ud800'] = 'a'", Fails("exit_code 1", "surrogate")),
            ("self.words['a\\0'] = '\\0'\nreturn self.words['a\\0']", Returns("\0")),
            ("while True:\n    sys.stdout.write('\\0' * 10**6)", Stopped),
            ("while True:\n    sys.stderr.write('x' * 10**6)", Stopped),
        ])
        .await;
}

#[tokio::test]
async fn storage_has_a_size() {
    let trial = Trial::new(2).await;
    trial
        .check_all(&[
            (
                "import hashlib\n---\nwrite = sys.modules['_genlayer'].write\nfor n in range(10**6):\n    \
                 write(n.to_bytes(32, 'big'), 0, b'x')\nreturn 'done'",
                FailsOrStopped(&["exit_code 1", "OOM"]),
            ),
            (
                "write = sys.modules['_genlayer'].write\nfor n in range(64):\n    \
                 write(bytes(32), n << 20, b'x' * 2**20)\nreturn 'done'",
                FailsOrStopped(&["exit_code 1"]),
            ),
            ("self.words['a'] = 'x' * 10**8", FailsOrStopped(&["exit_code 1", "OOM"])),
            (
                "sys.modules['_genlayer'].write(bytes(32), 2**64 - 1, b'xx')",
                FailsOrStopped(&["exit_code 1"]),
            ),
            (
                "sys.modules['_genlayer'].read(bytes(32), 0, 2**62)",
                FailsOrStopped(&["exit_code 1"]),
            ),
        ])
        .await;
}
