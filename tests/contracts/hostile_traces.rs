//! Contracts that want the next one to find something of them: nobody does.

use agora::execution::Executor;
use agora::execution::nondeterminism::Services;
use agora::execution::python::PythonExecutor;

use crate::harness::*;
use crate::trial::{Trial, Verdict};

async fn leave_nothing(leaks: &[&str]) {
    let trial = Trial::new(1).await;
    for leak in leaks {
        trial.check(&format!("{leak}\nreturn 'done'"), Verdict::Returns("done")).await;
    }
}

#[tokio::test]
async fn the_library_forgets_what_was_put_into_it() {
    leave_nothing(&[
        "import json\n---\njson.dumps.leak = 'text'",
        "import json\n---\njson.dumps.__name__ = 'leak'",
        "import json\n---\njson.dumps.__qualname__ = 'leak'",
        "import json\n---\njson.dumps.__doc__ = 'leak'",
        "import json\n---\njson.dumps.__module__ = 'leak'",
        "import json\n---\njson.dumps.__dict__ = {'leak': 1}",
        "import json\n---\njson.JSONEncoder.__name__ = 'leak'",
        "import json\n---\njson.JSONEncoder.__qualname__ = 'leak'",
        "import json\n---\nsetattr(json.JSONEncoder, 'leak', json.JSONEncoder.default)",
        "import json\n---\njson._default_encoder.__class__ = json.JSONDecoder",
        "import json\n---\njson._default_encoder.__dict__ = {}",
        "import json\n---\njson.__class__ = type('Evil', (type(json),), {'leak': 1})",
        "import json\n---\njson.JSONEncoder.__bases__ = (json.JSONDecoder,)",
        "sys.modules['string'].ascii_letters = 'leak'",
        "del sys.modules['string']",
        "sys.modules['leak'] = sys.modules['json']",
        "sys.modules['leak'] = 5",
        "sys.meta_path.insert(0, 'leak')",
        "sys.path.append('leak')",
        "sys.excepthook = len",
        "sys.modules['builtins'].leak = 'text'",
        "sys.modules['builtins'].__build_class__ = None",
    ])
    .await;
}

#[tokio::test]
async fn the_sdk_forgets_what_was_put_into_it() {
    leave_nothing(&[
        "object.__setattr__(Address.ZERO, '_bytes', b'x' * 20)",
        "Address.__eq__ = lambda self, other: True",
        "Address.__hash__ = lambda self: 1",
        "vars(Address)['as_hex'].__init__(vars(Address)['as_b64'].fget)",
        "vars(Address)['as_hex'].__init__(lambda self: 'evil')",
        "gl.Contract.__init_subclass__ = classmethod(lambda cls: None)",
        "gl.Contract._defined.append(5)",
        "gl.public.view = gl.public.write",
        "gl.storage.leak = 1",
        "sys.modules['genlayer.storage'].SIMPLE[str].get = lambda slot, offset: 'evil'",
        "sys.modules['genlayer.storage'].SIMPLE.clear()",
        "sys.modules['genlayer.runner'].MODULE = 'json'",
        "sys.modules['genlayer.runner'].clean = lambda: None",
        "sys.modules['genlayer.program']._modules.clear()",
        "sys.modules['genlayer.contract'].invoke = lambda *args: 'evil'",
        "sys.modules['_genlayer'].keccak256 = lambda data: bytes(32)",
        "u256.bits = 8",
        "sys.modules['genlayer.types'].SIZED['u256'] = bigint",
        "gl.message = 5",
        "gl.__dict__.clear()",
    ])
    .await;
}

#[tokio::test]
async fn what_is_registered_is_forgotten() {
    leave_nothing(&[
        "import collections.abc\n---\ncollections.abc.Sequence.register(int)",
        "import collections.abc\n---\ncollections.abc.Sequence._abc_impl = 5",
        "import codecs\n---\ncodecs.register_error('backslashreplace', lambda e: ('evil', e.end))",
        "import codecs\n---\ncodecs.register(lambda name: None)",
        "import copyreg\n---\ncopyreg.pickle(int, lambda value: 5)",
        "import warnings\n---\nwarnings.simplefilter('ignore')",
        "import re\n---\nre.compile('a+|b')\nre._cache[(str, 'a+|b', 0)] = re.compile('d')\n\
         re._cache2[(str, 'a+|b', 0)] = re.compile('d')",
        "import functools, pprint\n---\nfunctools.singledispatch(len).register(int, len)",
        "import typing\n---\ntyping.Optional[int]\ntyping.Optional[gl.Contract]",
        "import decimal\n---\ndecimal.DefaultContext.prec = 3",
        "import decimal\n---\ndecimal.getcontext().prec = 3\ndecimal.setcontext = None",
        "import random\n---\nrandom.seed(5)\nrandom._inst.gauss_next = 7.0",
        "import random\n---\nrandom.seed = lambda seed: None",
        "import contextvars\n---\ncontextvars.ContextVar('leak').set(lambda: 1)",
        "import linecache\n---\nlinecache.cache['json'] = (1, None, ['leak'], 'json')",
        "import weakref\n---\nweakref.finalize(gl, print, 'leak')",
        "import weakref\n---\nself.kept = weakref.ref(gl.Contract, lambda ref: None)",
        "import locale\n---\nlocale.setlocale(locale.LC_ALL, 'C')",
        "sys.setrecursionlimit(300)",
        "sys.modules['atexit'].register(print, 'leak') if 'atexit' in sys.modules else 0",
        "getattr(sys, 'setswitchinterval', len)('')",
        "sys.monitoring.use_tool_id(1, 'leak') if hasattr(sys, 'monitoring') else 0",
    ])
    .await;
}

/// Code of a contract that would run in somebody else's job.
#[tokio::test]
async fn code_does_not_outlive_its_execution() {
    const COLLECTOR: &str = "def collector():\n    names = {'__name__': 'json'}\n    \
                             exec('import gc', names)\n    return names['gc']\n---\n";
    let hidden = |body: &str| format!("{COLLECTOR}{body}\nreturn 'done'");
    let trial = Trial::new(1).await;
    for body in [
        "import json\n---\ndef kept():\n    try:\n        yield 1\n    finally:\n        \
         json.leak = 1\njson.kept = kept()\nnext(json.kept)\nreturn 'done'",
        "import json\n---\nclass Late:\n    def __del__(self):\n        json.leak = 1\n\
         late = Late()\nlate.self = late\nreturn 'done'",
        "import json\n---\nclass Late:\n    def __init__(self, left):\n        self.left = left\n        \
         self.self = self\n    def __del__(self):\n        if self.left:\n            \
         Late(self.left - 1)\n        else:\n            json.leak = 1\nLate(2)\nreturn 'done'",
        "import re\n---\nclass Meta(type):\n    def __eq__(cls, other):\n        return True\n    \
         __hash__ = type.__hash__\nclass Odd(str, metaclass=Meta):\n    pass\nre.compile(Odd('x'))\n\
         return 'done'",
        "import functools\n---\n@functools.lru_cache\ndef kept(value):\n    return kept\nkept(1)\n\
         return 'done'",
        "import threading\n---\nreturn 'done'",
        "sys.modules['json'].kept = self.go\nreturn 'done'",
        "sys.modules['json'].kept = sys._getframe()\nreturn 'done'",
        "sys.modules['json'].loads.kept = type(self)\nreturn 'done'",
        "async def kept():\n    pass\nsys.modules['json'].kept = kept()\nreturn 'done'",
    ] {
        let verdict = if body.contains("threading") {
            Verdict::Fails("exit_code 1", "ModuleNotFoundError")
        } else {
            Verdict::Returns("done")
        };
        trial.check(body, verdict).await;
    }
    for body in [
        "collector().disable()",
        "collector().set_threshold(1)",
        "self.kept = []\nself.kept.append(self.kept)",
        "sys.modules['json'].loads.kept = type(self)\ncollector().freeze()",
        "collector().unfreeze()",
        "sys.modules['contract'].kept = lambda: 1\ndel sys.modules['contract']",
        "kept = lambda: kept\nsys.modules['genlayer.program']._modules.clear()",
    ] {
        trial.check(&hidden(body), Verdict::Returns("done")).await;
    }
    for body in [
        "collector().set_debug(32)",
        "collector().callbacks.append(lambda phase, info: None)",
        "collector().get_objects()",
    ] {
        trial.check(&hidden(body), Verdict::Fails("exit_code 1", "AttributeError")).await;
    }
}

/// Sources that look tame and put code of theirs where the interpreter calls it later: no other
/// contract may ever meet them.
#[tokio::test]
async fn what_a_contract_leaves_meets_no_other_contract() {
    const HEAD: &str = "from genlayer import *\nimport collections.abc, datetime, re, typing\n";
    const VICTIM: &str = "class Victim(gl.Contract):\n    n: u256\n    def __init__(self):\n        \
        self.n = 1\n    @gl.public.write\n    def go(self) -> str:\n        \
        datetime.datetime.strptime('2020-01-01', '%Y-%m-%d')\n        \
        return f\"{re.match('[a-z]+', 'abc')} {isinstance('a', collections.abc.Mapping)}\"\n";
    const IN_A_CACHE: &str = "KEPT = []\nclass Evil(str):\n    def __hash__(self):\n        \
        return hash('%Y-%m-%d')\n    def __eq__(self, other):\n        for kept in KEPT:\n            \
        kept.n = 888\n        return True\nclass A(gl.Contract):\n    n: u256\n    \
        def __init__(self):\n        pass\n    @gl.public.write\n    def go(self):\n        \
        datetime.datetime.strptime('2020-01-01', Evil('%Y-%m-%d'))\n        KEPT.append(self)\n";
    const THROUGH_SELF: &str = "class Fake:\n    def match(*args):\n        return 'fake'\n\
        def poison(self):\n    for cache in (self._cache, self._cache2):\n        \
        cache[(str, '[a-z]+', 0)] = Fake()\nclass A(gl.Contract):\n    def __init__(self):\n        \
        pass\n    @gl.public.write\n    def go(self):\n        poison(re)\n";
    const THROUGH_A_MODULE: &str = "class A(gl.Contract):\n    def __init__(self):\n        pass\n    \
        @gl.public.write\n    def go(self):\n        \
        typing.operator.methodcaller('reg' + 'ister', str)(collections.abc.Mapping)\n";
    let executor = PythonExecutor::start(settings(1), Services::none()).unwrap();
    let victim = format!("{HEAD}{VICTIM}");
    let ask =
        async |source: &str| executor.execute(request(source, Some("go"), vec![])).await.unwrap();
    let untouched = ask(&victim).await;
    for attack in [IN_A_CACHE, THROUGH_SELF, THROUGH_A_MODULE] {
        let attacked = ask(&format!("{HEAD}{attack}")).await;
        assert!(attacked.outcome.is_success(), "{attacked:?}");
        let again = ask(&victim).await;
        assert_eq!(
            (&again.outcome, &again.state),
            (&untouched.outcome, &untouched.state),
            "{attack}"
        );
    }
}
