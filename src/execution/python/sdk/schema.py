"""The public methods of a contract, as clients want to know them."""

import collections.abc
import dataclasses
import inspect
import json
import types
import typing

from genlayer import program, scalars
from genlayer.arrays import ndarray
from genlayer.collections import Array, DynArray, TreeMap
from genlayer.contract import Access, public_methods
from genlayer.types import Address, SizedInt

_SIMPLE = {
    type(None): "null", None: "null", bool: "bool", int: "int", str: "string", bytes: "bytes",
    Address: "address", list: "array", dict: "dict", typing.Any: "any",
    inspect.Parameter.empty: "any", object: "any", tuple: "array", DynArray: "array",
    TreeMap: "dict", collections.abc.Sequence: "array", collections.abc.Mapping: "dict",
}
_MAPS = (dict, TreeMap, collections.abc.Mapping, collections.abc.MutableMapping)
_LISTS = (list, DynArray, Array, collections.abc.Sequence, collections.abc.MutableSequence)


def type_schema(type_):
    """The schema of one type."""
    if isinstance(type_, SizedInt):
        return "int"
    if _is_a(type_, scalars.integer):
        return "int"
    if (typing.get_origin(type_) or type_) is ndarray:
        return "array"
    if type_ is float or _is_a(type_, scalars.floating):
        raise TypeError("`float` has no encoding: use `int`, `str` or `decimal` in a string")
    try:
        if type_ in _SIMPLE:
            return _SIMPLE[type_]
    except TypeError:
        pass
    if _is_sequence(type_):
        return "array"
    if _is_a(type_, collections.abc.Mapping):
        return "dict"
    origin, args = typing.get_origin(type_), typing.get_args(type_)
    if origin is typing.Literal:
        return _literal_schema(args)
    if origin in (typing.Union, types.UnionType):
        return {"$or": [type_schema(arg) for arg in args]}
    if origin in _MAPS:
        if args[0] is not str:
            raise TypeError("the keys of a dict in calldata are `str`, not "
                            f"`{getattr(args[0], '__name__', args[0])}`")
        return {"$dict": type_schema(args[1])}
    if origin in _LISTS:
        return [{"$rep": type_schema(args[0])}]
    if origin is tuple:
        if len(args) == 2 and args[1] is ...:
            return [{"$rep": type_schema(args[0])}]
        return [type_schema(arg) for arg in args]
    if dataclasses.is_dataclass(type_):
        hints = typing.get_type_hints(type_)
        return {_escaped(name): type_schema(hint) for name, hint in hints.items()}
    raise TypeError(f"`{getattr(type_, '__name__', type_)}` has no place in a public method")


def _is_a(type_, base):
    return isinstance(type_, type) and typing.get_origin(type_) is None and issubclass(type_, base)


def _is_sequence(type_):
    """A `NamedTuple` or `bytearray`, for example: GenVM goes by what a type is derived from."""
    return _is_a(type_, collections.abc.Sequence) and not issubclass(type_, (str, bytes))


def _literal_schema(values):
    """That of the values' type; before v0.3 nothing is said of it."""
    if program.is_newest():
        for kind, name in ((str, "string"), (bool, "bool"), (int, "int")):
            if all(isinstance(value, kind) for value in values):
                return name
    return "any"


def _escaped(name):
    return "$" + name if name.startswith("$") else name


def _parameters(function):
    """`params`, `kwparams` and the type of the result."""
    hints = typing.get_type_hints(function)
    named = inspect.signature(function).parameters
    params, kwparams = [], {}
    for position, parameter in enumerate(named.values()):
        if position == 0:
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(f"`*{parameter.name}` cannot be in a public method")
        schema = type_schema(hints.get(parameter.name, typing.Any))
        if parameter.kind is parameter.KEYWORD_ONLY:
            kwparams[_escaped(parameter.name)] = schema
        else:
            params.append([parameter.name, schema])
    if not named:
        raise TypeError("a method needs `self` as its first parameter")
    return {"params": params, "kwparams": kwparams}, hints.get("return", typing.Any)


def _method_schema(function, access):
    schema, result = _parameters(function)
    schema["readonly"] = access.readonly
    if not access.readonly:
        schema["payable"] = access.payable
        if access.gas is not None:
            schema.update({f"min_gas_{who}": gas for who, gas in access.gas.items() if gas})
    schema["ret"] = type_schema(result)
    return schema


def constructor_of(cls):
    """The class's own constructor; there must be one, and it must not be public."""
    if cls.__init__ is object.__init__:
        raise TypeError(f"`{cls.__name__}` has no `__init__`: add one, even if it only says `pass`")
    if isinstance(getattr(cls.__init__, "__agora_public__", None), Access):
        raise TypeError(f"`__init__` of `{cls.__name__}` must not be public: remove the decorator")
    return cls.__init__


def schema_of(cls):
    """The whole schema, as JSON text."""
    constructor, _ = _parameters(constructor_of(cls))
    methods = {}
    for name, (function, access) in public_methods(cls).items():
        if name in ("__receive__", "__handle_undefined_method__", "__on_errored_message__"):
            continue
        if name.startswith("__"):
            raise TypeError(f"`{name}`: names of public methods cannot start with `__`")
        try:
            methods[name] = _method_schema(function, access)
        except Exception as error:
            raise TypeError(f"method `{name}`: {error}") from None
    return json.dumps({"ctor": constructor, "methods": methods})
