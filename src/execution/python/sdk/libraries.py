"""Finds the libraries that GenVM brings and few contracts use: read when they are imported."""

import sys

import _images
from _frozen_importlib import ModuleSpec

_compile = compile


class _Loader:
    """Runs a library's module."""

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        name = module.__name__
        exec(_compile(_images.source(name), f"genlayer/{name}.py", "exec"), module.__dict__)


class _Finder:
    """Finds modules of `PIL`, and says of the others of it that they are not here."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] != "PIL":
            return None
        if _images.source(name) is None:
            raise ModuleNotFoundError(f"No module named '{name}': of PIL there is `PIL.Image` on this "
                                      "network")
        return ModuleSpec(name, _Loader, origin=f"genlayer/{name}.py", is_package=name == "PIL")


sys.meta_path.append(_Finder)
