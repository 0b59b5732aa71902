"""Runs once, before the worker locks itself down: stubs, clock, and the modules authors import."""

import _io
import builtins
import sys
import time

import _genlayer

# An address tells of the machine.
builtins.id = _genlayer.identity


def _refuse(*args, **kwargs):
    raise PermissionError("contracts run without files, network, processes and threads")


def _module(module_name, **entries):
    module = type(sys)(module_name)
    module.__dict__.update(entries)
    sys.modules[module_name] = module
    return module


class _PathLike:
    """Nothing is one."""


def _fspath(path):
    if isinstance(path, (str, bytes)):
        return path
    raise TypeError(f"expected str or bytes, not {type(path).__name__}")


class _FileIO(_io._RawIOBase):
    """There are no files."""

    __init__ = _refuse


def _urandom(size):
    """Bytes of the job's own chance: the same on every node that runs it."""
    return sys.modules["random"].randbytes(size)


# Modules of the standard library want to see an `os` while they are imported; none of it works.
_path = _module("posixpath", join=_refuse, exists=lambda path: False, sep="/",
                normcase=_fspath, basename=lambda path: path.rpartition("/")[2],
                splitext=lambda path: (path, ""), isabs=lambda path: True)
_module("os", PathLike=_PathLike, fspath=_fspath, fsencode=_refuse, fsdecode=_refuse, sep="/",
        altsep=None, linesep="\n", curdir=".", pardir="..", name="posix", environ={}, path=_path,
        urandom=_urandom, stat=_refuse, open=_refuse, getcwd=lambda: "/", getpid=lambda: 1,
        SEEK_SET=0, SEEK_CUR=1, SEEK_END=2)
_module("posix", stat=_refuse, open=_refuse, getcwd=lambda: "/", fspath=_fspath, environ={})
_module("os.path", **vars(_path))
_io.FileIO = _FileIO
_io.open = _io.open_code = _refuse


class _Output:
    """Where prints go; only a first part of them is kept."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, put):
        self._put = put

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._put(text)
        return len(text)

    def flush(self):
        pass

    def isatty(self):
        return False


class _Input:
    """There is nothing to read."""

    def read(self, *args):
        return ""

    readline = read


sys.stdout = sys.__stdout__ = _Output(_genlayer.output)
sys.stderr = sys.__stderr__ = _Output(_genlayer.warn)
sys.stdin = sys.__stdin__ = _Input()

# What would outlive the contract, or tell of the machine.
for _name in ("settrace", "setprofile", "set_int_max_str_digits", "set_asyncgen_hooks",
              "_current_frames", "setswitchinterval", "activate_stack_trampoline"):
    if hasattr(sys, _name):
        delattr(sys, _name)
sys.executable = sys.prefix = sys.exec_prefix = sys.base_prefix = sys.base_exec_prefix = ""
sys._base_executable = ""
sys.argv = sys.orig_argv = [""]
sys.path = []

# The one clock is the transaction's.
_gmtime, _strftime, _asctime = time.gmtime, time.strftime, time.asctime


def _now():
    return _genlayer.now_micros() / 1_000_000


def _now_ns():
    return _genlayer.now_micros() * 1_000


def gmtime(seconds=None):
    return _gmtime(_now() if seconds is None else seconds)


def strftime(form, at=None):
    return _strftime(form, gmtime() if at is None else at)


def asctime(at=None):
    return _asctime(gmtime() if at is None else at)


def ctime(seconds=None):
    return _asctime(gmtime(seconds))


def sleep(seconds):
    raise PermissionError("a contract cannot sleep: its clock stands still")


time.time = time.monotonic = time.perf_counter = time.process_time = time.thread_time = _now
time.time_ns = time.monotonic_ns = time.perf_counter_ns = time.process_time_ns = _now_ns
time.thread_time_ns = _now_ns
time.gmtime = time.localtime = gmtime
time.strftime, time.asctime, time.ctime, time.sleep = strftime, asctime, ctime, sleep
for _name in ("clock_gettime", "clock_gettime_ns", "clock_settime", "clock_settime_ns",
              "clock_getres", "get_clock_info"):
    if hasattr(time, _name):
        delattr(time, _name)
time.timezone = time.altzone = time.daylight = 0
time.tzname = ("UTC", "UTC")

for _name in ("io typing json dataclasses datetime re hashlib base64 urllib.parse enum collections "
              "collections.abc math decimal functools itertools copy string textwrap fractions "
              "contextlib abc operator random statistics html html.parser types inspect "
              "traceback difflib bisect heapq struct binascii calendar numbers hmac _strptime "
              "unicodedata pprint __future__ keyword reprlib").split():
    __import__(_name)
# The thread stub can "start" one; nothing here may.
import _thread

_thread.start_new_thread = _refuse
if hasattr(_thread, "start_joinable_thread"):
    _thread.start_joinable_thread = _refuse

import random

_seed = random.Random.seed


def seed(self, a=None, version=2):
    """As ever, but who gives no seed gets one of the job's own chance, not of the machine's."""
    _seed(self, _urandom(32) if a is None else a, version)


random.Random.seed = seed
random.seed = random._inst.seed
