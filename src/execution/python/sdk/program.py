"""The running contract's own modules and files: one module, or those of a package."""

import io
import re
import sys

from _frozen_importlib import ModuleSpec

MAIN = "contract"
NO_HOST = "contracts run without files, network, processes and threads"

#: What only contracts of the newest SDK, v0.3, say.
_NEWEST = re.compile(r"^[ \t]*import[ \t]+genlayer[ \t]+as[ \t]+gl\b|\((?:gl\.)?contract\.Contract\b"
                     r"|^[ \t]*from[ \t]+genlayer\.(contract|message|chain|types)[ \t]+import\b", re.M)
#: Code, not prose, that knows the error of v0.1.
_ROLLBACK = re.compile(r"^[ \t]*(raise|except|class|from)\b.*\bRollback\b", re.M)

#: Modules by name: the code, or the error that tells why there is none; the file; its text; and if
#: there are modules in it.
_modules = {}
#: Other files by absolute path.
_files = {}
#: The built-ins of the contract: its own copy, so that nothing it does to them stays.
_builtins = {}
#: Is the contract written for v0.3? Did it know `Rollback`, which is of v0.1?
_generation = {"newest": False, "rollback": False}


def is_own(name):
    """Is this one of the running contract's modules?"""
    return name in _modules


def source():
    """The text of the main module."""
    return _modules[MAIN][2]


def is_newest():
    """Is the running contract written for v0.3, where some names mean something else?"""
    return _generation["newest"]


def has_rollback():
    """Is the running contract of v0.1, where errors of the user are `Rollback`?"""
    return _generation["rollback"]


def sources():
    """Texts by file."""
    return {file: text for _, file, text, _ in _modules.values()}


def open_file(path, mode="r", *args, **options):
    """The one kind of files there are: the contract's own, to be read."""
    path = "/" + path.lstrip("/") if isinstance(path, str) else None
    data = _files.get(path)
    if data is None:
        data = next((text.encode() for file, text in sources().items() if "/" + file == path), None)
    if data is None or not isinstance(mode, str) or set(mode) - set("rbt"):
        raise PermissionError(NO_HOST)
    return io.BytesIO(data) if "b" in mode else io.StringIO(data.decode())


class _Loader:
    """Runs a module's body."""

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        code, file, *_ = _modules[module.__name__]
        module.__file__ = file
        module.__dict__["__builtins__"] = _builtins
        if isinstance(code, BaseException):
            raise code.with_traceback(None)
        exec(code, module.__dict__)


class _Finder:
    """Finds the running contract's modules, where nothing else is found by that name."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in _modules:
            return None
        _, file, _, is_package = _modules[name]
        return ModuleSpec(name, _Loader, origin=file, is_package=is_package)


sys.meta_path.append(_Finder)


def begin(modules, files, builtins):
    """Makes the modules and files of a contract known."""
    _modules.update(modules)
    _files.update(files)
    _builtins.update(builtins)
    _generation["newest"] = _NEWEST.search(source()) is not None
    _generation["rollback"] = _ROLLBACK.search(source()) is not None


def load_main(prepare):
    """Runs the main module; `prepare` puts into it what is there without an import."""
    spec = _Finder.find_spec(MAIN)
    module = type(sys)(MAIN)
    module.__spec__, module.__package__ = spec, spec.parent
    if spec.submodule_search_locations is not None:
        module.__path__ = spec.submodule_search_locations
    sys.modules[MAIN] = module
    prepare(module.__dict__)
    _Loader.exec_module(module)


def end():
    """Forgets the contract."""
    for name in _modules:
        sys.modules.pop(name, None)
    _modules.clear()
    _files.clear()
    _builtins.clear()
    _generation.update(newest=False, rollback=False)
