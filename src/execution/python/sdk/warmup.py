"""Runs once, before the worker locks itself down: stubs, clock, and the modules authors import."""

import _io
import abc
import builtins
import sys
import time

import _genlayer

# An address tells of the machine.
builtins.id = _genlayer.identity
# The interpreter's loses what the additions of floats lose.
builtins.sum = _genlayer.sum


NO_HOST = "contracts run without files, network, processes and threads"


def _refuse(*args, **kwargs):
    raise PermissionError(NO_HOST)


def _module(module_name, **entries):
    module = type(sys)(module_name)
    module.__dict__.update(entries)
    sys.modules[module_name] = module
    return module


class _PathLike(abc.ABC):
    """What has a path: it says so by `__fspath__`."""


def _fspath(path):
    if isinstance(path, (str, bytes)):
        return path
    if hasattr(type(path), "__fspath__"):
        return type(path).__fspath__(path)
    raise TypeError(f"expected str, bytes or os.PathLike, not {type(path).__name__}")


class _FileIO(_io._RawIOBase):
    """There are no files."""

    __init__ = _refuse


def _urandom(size):
    """Bytes of the job's own chance: the same on every node that runs it."""
    return sys.modules["random"].randbytes(size)


def _without_host(name):
    """The `__getattr__` of a module of which only what computes is there."""

    def absent(attribute):
        raise AttributeError(f"module '{name}' has no attribute '{attribute}': {NO_HOST}")

    return absent


def _fsencode(path):
    path = _fspath(path)
    return path.encode("utf-8", "surrogateescape") if isinstance(path, str) else path


def _fsdecode(path):
    path = _fspath(path)
    return path.decode("utf-8", "surrogateescape") if isinstance(path, bytes) else path


# Of `os` there is what needs no host. Modules of the standard library want to see one, and contracts.
_environ = {}
_module("posix", stat=_refuse, open=_refuse, getcwd=lambda: "/", fspath=_fspath, environ={})
_os = _module(
    "os", PathLike=_PathLike, fspath=_fspath, fsencode=_fsencode, fsdecode=_fsdecode, sep="/",
    altsep=None, extsep=".", pathsep=":", linesep="\n", curdir=".", pardir="..", devnull="/dev/null",
    name="posix", environ=_environ, getenv=_environ.get, error=OSError, urandom=_urandom, stat=_refuse,
    lstat=_refuse, open=_refuse, listdir=_refuse, scandir=_refuse, readlink=_refuse, system=_refuse,
    popen=_refuse, getcwd=lambda: "/", getpid=lambda: 1, SEEK_SET=0, SEEK_CUR=1, SEEK_END=2,
    stat_result=type("stat_result", (tuple,), {}), __getattr__=_without_host("os"),
    **{f"O_{kind}": 0 for kind in "RDONLY WRONLY RDWR CREAT EXCL TRUNC APPEND".split()})
import posixpath

_os.path = sys.modules["os.path"] = posixpath
import re._compiler

_found_prefix = re._compiler._get_literal_prefix


def _literal_prefix(pattern, flags):
    """What a search looks for first: the interpreter's misses where a group begins within it."""
    prefix, skip, is_all = _found_prefix(pattern, flags)
    if skip is not None and 0 < skip < len(prefix):
        return prefix[:skip], skip, False
    return prefix, skip, is_all


re._compiler._get_literal_prefix = _literal_prefix


def _no_resources(*args, **kwargs):
    raise ModuleNotFoundError("contracts run without the files of packages, such as time zones")


_module("importlib.resources", files=_no_resources, open_binary=_no_resources)
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

# What would outlive the contract, or tell of the machine and of the time.
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

import _random

_NativeRandom = _random.Random


class _Random(_NativeRandom):
    """As ever, but who gives no seed gets one of the job's own chance, not of the machine's."""

    def __init__(self, x=None):
        self.seed(x)

    def seed(self, n=None):
        if n is None:
            # The very first of all is made by `random` itself, and seeded by every job.
            chance = getattr(sys.modules.get("random"), "getrandbits", None)
            n = chance(256) if chance else 0
        super().seed(n)


_random.Random = _Random

for _name in ("io typing json dataclasses datetime re hashlib base64 urllib.parse enum collections "
              "collections.abc math decimal functools itertools copy string textwrap fractions "
              "contextlib abc operator random statistics html html.parser types inspect "
              "traceback difflib bisect heapq struct binascii calendar numbers hmac _strptime "
              "unicodedata pprint __future__ keyword reprlib contextvars").split():
    __import__(_name)
import random
import urllib


class URLError(OSError):
    """The web is asked by `gl.nondet.web`, whose errors are others."""

    def __init__(self, reason, filename=None):
        super().__init__(reason)
        self.reason = reason

    def __str__(self):
        return f"<urlopen error {self.reason}>"


class HTTPError(URLError):
    """As above."""

    def __init__(self, url, code, msg, hdrs, fp):
        super().__init__(msg)
        self.url, self.code, self.msg, self.hdrs, self.fp = url, code, msg, hdrs, fp

    def __str__(self):
        return f"HTTP Error {self.code}: {self.msg}"


def _no_web(*args, **kwargs):
    raise PermissionError("the web is asked by `gl.nondet.web.get(…)`, in a non-deterministic block: "
                          + NO_HOST)


urllib.error = _module("urllib.error", URLError=URLError, HTTPError=HTTPError)
urllib.request = _module("urllib.request", urlopen=_no_web, urlretrieve=_no_web, Request=_no_web,
                         build_opener=_no_web, URLError=URLError, HTTPError=HTTPError)
# The thread stub can "start" one; nothing here may.
import _thread

_thread.start_new_thread = _refuse
if hasattr(_thread, "start_joinable_thread"):
    _thread.start_joinable_thread = _refuse

import gc

for _name in ("get_stats", "get_count", "get_objects", "get_debug", "set_debug", "callbacks"):
    if hasattr(gc, _name):
        delattr(gc, _name)
