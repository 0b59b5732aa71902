"""The part of numpy that contracts use: arrays of numbers and what is computed with them.

It is no numpy: what is here does what numpy's does, and what is not is an `AttributeError` that says
so. `genlayer_embeddings` is what it is for.
"""

import difflib as _difflib
import math as _math
import sys as _sys
import types as _types

from genlayer import array_functions as _functions, scalars as _scalars
from genlayer.arrays import array, asarray, ndarray
from genlayer.scalars import (dtype, floating, generic, integer, number, signedinteger,
                              unsignedinteger)

__version__ = "2.0"
__path__ = []
pi, e, inf, nan, newaxis = _math.pi, _math.e, _math.inf, _math.nan, None

_here = globals()
for _type in _scalars.DTYPES.values():
    _here[_type.type.__name__] = _type.type
for _name, _function in (vars(_functions) | _functions.SHADOWING).items():
    if isinstance(_function, _types.FunctionType) and not _name.startswith("_"):
        _here.setdefault(_name, _function)
for _name, _known in (("bool_", "bool"), ("single", "float32"), ("double", "float64"),
                      ("int_", "int64"), ("intp", "int64"), ("empty", "zeros"), ("amax", "max"),
                      ("identity", "eye"), ("amin", "min"), ("inner", "dot"), ("abs", "absolute"),
                      ("asanyarray", "asarray"), ("ascontiguousarray", "asarray")):
    _here[_name] = _here[_known]
#: Helpers of the modules here, and of a submodule.
for _name in ("combined", "common_shape", "made", "scalar", "total", "dtype_of", "norm"):
    del _here[_name]


def _missing(module):
    def of_module(name):
        if name.startswith("__"):
            raise AttributeError(f"module '{module}' has no attribute '{name}'")
        known = sorted(known for known in vars(_sys.modules[module]) if not known.startswith("_"))
        close = _difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean `{close[0]}`?" if close else "."
        raise AttributeError(f"this network's `{module}` has no `{name}`{hint} It has "
                             f"{', '.join(known)}")

    return of_module


def _module(name, **entries):
    made = _types.ModuleType(f"numpy.{name}")
    made.__dict__.update(entries, __getattr__=_missing(f"numpy.{name}"))
    _sys.modules[f"numpy.{name}"] = made
    return made


linalg = _module("linalg", norm=_functions.norm)
dtypes = _module("dtypes", **{type(type_).__name__: type(type_)
                              for type_ in _scalars.DTYPES.values()})
typing = _module("typing", NDArray=ndarray, ArrayLike=object, DTypeLike=object)
__getattr__ = _missing("numpy")
