//! Contracts that reach for what is not theirs: the host, the worker, other contracts, a view's
//! state.

use crate::trial::{Trial, Verdict};

use Verdict::{Fails, FailsOrStopped, Harmless, Returns};

/// Past the SDK's `import`, which only knows the contract's own statements.
const BYPASS: &str = "def get(name):\n    names = {'__name__': 'json'}\n    \
                      exec('import ' + name, names)\n    return names[name.partition('.')[0]]\n";

#[tokio::test]
async fn walks_over_classes_and_frames_find_no_way_out() {
    let trial = Trial::new(1).await;
    trial
        .check_all(&[
            (
                "found, waiting = [], [object]\nfor c in waiting:\n    \
                 waiting += [s for s in type.__subclasses__(c) if s not in waiting]\n\
                 names = 'Popen FileIO socket Thread CDLL BufferedReader mmap DirEntry'.split()\n\
                 for c in waiting:\n    if c.__name__ in names:\n        try:\n            \
                 found.append(c('/etc/passwd').read())\n        except Exception:\n            pass\n\
                 return str(found)",
                Returns("[]"),
            ),
            (
                "frame, found = sys._getframe(), []\nwhile frame is not None:\n    \
                 opens = frame.f_builtins.get('open'), frame.f_globals.get('open')\n    \
                 for item in opens:\n        try:\n            found.append(item('/etc/passwd'))\n        \
                 except Exception:\n            pass\n    frame = frame.f_back\nreturn str(found)",
                Returns("[]"),
            ),
            (
                "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    \
                 frame = error.__traceback__.tb_frame.f_back\nglobals = frame.f_globals\n\
                 return str(globals['open']('/etc/passwd') if 'open' in globals else 'no')",
                Returns("no"),
            ),
            (
                "return (lambda: 0).__globals__['__builtins__']['open']('/etc/passwd')",
                Fails("exit_code 1", "contracts run without files"),
            ),
            (
                "import json\n---\nreturn json.dumps.__globals__['__builtins__']['open']('/proc/self/maps')",
                Fails("exit_code 1", "UnsupportedOperation"),
            ),
            (
                "import linecache\n---\nreturn str(linecache.getlines('/proc/self/environ'))",
                Returns("[]"),
            ),
            (
                "loader = type(sys.modules['json'].__loader__)\n\
                 return loader.get_data('/proc/self/environ')",
                Fails("exit_code 1", "Error"),
            ),
            (
                "return sys.modules['_io'].open_code('/proc/self/maps').read()",
                Fails("exit_code 1", "Error"),
            ),
            ("return str(dict(sys.modules['os'].environ)) + str(sys.argv)", Returns("{}['']")),
            ("return sys.stdin.read() + sys.executable + sys.prefix", Returns("")),
        ])
        .await;
}

#[tokio::test]
async fn modules_of_the_host_do_nothing_when_they_are_reached() {
    let trial = Trial::new(1).await;
    let modules = "os posix socket _socket subprocess _posixsubprocess ctypes _ctypes signal \
                   _signal mmap fcntl resource select multiprocessing asyncio";
    let body = format!(
        "{BYPASS}---\nfound = []\nfor name in '{modules}'.split():\n    sys.modules.pop(name, None)\n    \
         try:\n        module = get(name)\n    except BaseException:\n        continue\n    \
         for entry in 'system fork kill _exit open socket Popen run CDLL raise_signal alarm mmap \
         fork_exec abort execv listdir getpid urandom'.split():\n        for given in ((), (9,), \
         ('/etc/passwd',), ('/etc/passwd', 0), (0, 9)):\n            try:\n                \
         got = getattr(module, entry)(*given)\n                \
         found.append(name + '.' + entry)\n            except BaseException:\n                pass\n\
         return ' '.join(found)"
    );
    trial.check(&body, Returns("")).await;
    for name in ["pickle", "_genlayer", "os.path, socket"] {
        let body = format!("return str([__import__(name) for name in '{name}'.split(', ')])");
        trial.check(&body, Fails("exit_code 1", "ModuleNotFoundError")).await;
    }
    for (entry, words) in [
        ("_thread').start_new_thread(print, ())", "Error"),
        ("importlib').import_module('os').system('true')", "Error"),
        ("_imp').create_dynamic(5)", "Error"),
        ("pickle').loads(b'cos\\nsystem\\n(S\"true\"\\ntR.')", "Error"),
        ("marshal').loads(b'\\xff' * 100)", "Error"),
        ("zlib').decompress(b'x' * 100)", "error"),
        ("faulthandler')._sigsegv()", "Error"),
    ] {
        let body = format!("{BYPASS}---\nreturn str(get('{entry})");
        trial.check(&body, Fails("exit_code 1", words)).await;
    }
    for body in [
        "sys.modules.pop('_thread')\nget('_thread').start_new_thread(print, ())",
        "sys.modules.pop('time')\nreturn get('time').time()",
        "def go(): pass\ngo.__code__ = go.__code__.replace(co_code=bytes(range(256)))\nreturn go()",
        "def go(): pass\ngo.__code__ = go.__code__.replace(co_stacksize=0, co_nlocals=0)\nreturn go()",
        "def go(): pass\ngo.__code__ = go.__code__.replace(co_consts=(), co_names=())\nreturn go()",
    ] {
        trial.check(&format!("{BYPASS}---\n{body}"), Harmless).await;
    }
}

#[tokio::test]
async fn a_view_cannot_write_by_any_way() {
    let trial = Trial::new(1).await;
    let words = "is a view method and cannot change state";
    for body in [
        "self.n = 1",
        "type(self).n.__set__(self, 1)",
        "type(self).n.codec.set(self._slot, 0, 1)",
        "object.__setattr__(self, 'n', 1)",
        "self.words['a'] = 'b'",
        "self.words.get_or_insert_default('a')",
        "sys.modules['_genlayer'].write(self._slot, 0, b'x')",
        "sys.modules['_genlayer'].write_blob(self._slot, 0, b'x')",
        "raise OSError(gl.vm.spawn_sandbox(lambda: type(self).n.__set__(self, 1), \
         allow_write_ops=True))",
        "sys.modules['_genlayer'].enter_sandbox(True)\nself.n = 1",
        "sys.modules['_genlayer'].leave_sandbox(True)\nself.n = 1",
        "sys.modules['_genlayer'].set_readonly('')\nself.n = 1",
        "sys.modules['_genlayer'].allow_messages()\nself.n = 1",
        "sys.modules['genlayer.contract'].Access.readonly = False\nself.n = 1",
        "type(self).go.__agora_public__.readonly = False\nself.n = 1",
        "frame = sys._getframe()\nwhile 'job' not in frame.f_locals:\n    frame = frame.f_back\n\
         frame.f_locals['job']['entry'] = 'constructor'\nself.n = 1",
    ] {
        let verdict = match body {
            _ if body.contains("leave_sandbox") => Fails("exit_code 1", "no sandbox can be left"),
            _ if body.contains("set_readonly") => Fails("exit_code 1", "Error"),
            _ => Fails("exit_code 1", words),
        };
        trial.check(&format!("# view\n{body}"), verdict).await;
    }
}

#[tokio::test]
async fn values_that_lie_about_themselves_are_found_out() {
    let trial = Trial::new(1).await;
    let liar = "class Liar:\n    __class__ = Address\n    as_bytes = _bytes = b'x' * 99\n";
    for (body, verdict) in [
        ("return Liar()", Fails("exit_code 1", "Error")),
        ("return {Liar(): 1}", Fails("exit_code 1", "Error")),
        ("gl.get_contract_at(Liar()).emit_transfer(value=1)", Fails("exit_code 1", "Error")),
        (
            "class Odd(int):\n    __le__ = __ge__ = __lt__ = __gt__ = lambda *a: True\n\
          self.n = Odd(-1)",
            Fails("exit_code 1", "Error"),
        ),
        (
            "class Odd(str):\n    def encode(self, *a):\n        return 5\nself.words['a'] = Odd('b')",
            Fails("exit_code 1", "Error"),
        ),
        (
            "class Odd(dict):\n    def items(self):\n        return [(5, 5)] * 3\n    keys = items\n\
          return Odd(a=1)",
            Harmless,
        ),
        (
            "class Odd(list):\n    def __len__(self):\n        return 2**62\n    \
          def __iter__(self):\n        return iter(())\nreturn Odd([1])",
            Harmless,
        ),
        ("class Odd(int):\n    def __index__(self):\n        return 'x'\nreturn Odd(7)", Harmless),
        (
            "class Meta(type):\n    def __instancecheck__(cls, it):\n        return True\n    \
          def mro(cls):\n        return [object]\nclass Odd(metaclass=Meta):\n    pass\n\
          return Odd()",
            FailsOrStopped(&["exit_code 1", "exit_code 101", "OOM"]),
        ),
        (
            "class Odd:\n    def __reduce__(self):\n        return (print, ('reduced',))\n\
          import copy\nreturn copy.copy(Odd())",
            Harmless,
        ),
        (
            "gl.message.__dict__['sender_address'] = Address(b'x' * 20)\nreturn 'done'",
            Returns("done"),
        ),
    ] {
        trial.check(&format!("{liar}---\n{body}"), verdict).await;
    }
}

#[tokio::test]
async fn clocks_and_chance_are_those_of_the_transaction() {
    let trial = Trial::new(1).await;
    trial
        .check_all(&[
            (
                "import random, time\n---\nreturn str([time.time(), time.monotonic(), \
                 time.perf_counter_ns(), time.process_time(), time.localtime().tm_hour])",
                Returns(
                    "[1700000000.123456, 1700000000.123456, 1700000000123456000, 1700000000.123456, 22]",
                ),
            ),
            ("import time\n---\ntime.sleep(1)", Fails("exit_code 1", "its clock stands still")),
            (
                "import secrets, uuid\n---\nreturn [secrets.token_hex(8), str(uuid.uuid4())]",
                Harmless,
            ),
            ("return sys.modules['os'].urandom(8)", Harmless),
        ])
        .await;
}
