"""`from genlayer import *`, and the module paths authors import from."""

import sys
import types as _types

from genlayer import (abi, calldata, collections, contract, eq_principle, events, memory, messages,
                      nondet, slots, storage, types, vm)
from genlayer.collections import Array, DynArray, TreeMap
from genlayer.storage import allow_storage
from genlayer.types import SIZED, Address, Keccak256, UserError, bigint
from genlayer_embeddings import SentenceTransformer, VecDB, VecDBElement

globals().update(SIZED, Address=Address, bigint=bigint, Keccak256=Keccak256)
Rollback = UserError


def _path(name, **entries):
    module = _types.ModuleType(name)
    module.__dict__.update(entries)
    sys.modules[name] = module
    return module


_values = {**SIZED, "bigint": bigint, "Address": Address}
_stored = {"Array": Array, "DynArray": DynArray, "TreeMap": TreeMap,
           "allow_storage": allow_storage, "inmem_allocate": memory.inmem_allocate,
           "Root": memory.Root, "Indirection": memory.Indirection, "VLA": memory.VLA,
           "ROOT_SLOT_ID": memory.ROOT_SLOT_ID}
Lazy = types.Lazy
#: What the newest SDK tells code that also runs elsewhere.
IS_IN_VM = True
globals().update(_stored)

gl = _path(
    "genlayer.gl",
    Contract=contract.Contract,
    public=contract.public,
    private=contract.private,
    Event=events.Event,
    Lazy=types.Lazy,
    ContractProxy=messages.ContractProxy,
    BaseContract=contract.Contract,
    message=None,
    message_raw=None,
    calldata=calldata,
    get_contract_at=messages.get_contract_at,
    ContractAt=messages.get_contract_at,
    contract_interface=messages.contract_interface,
    deploy_contract=messages.deploy_contract,
    eth_contract=messages.evm_contract_interface,
)
gl.evm = _path("genlayer.gl.evm", contract_interface=messages.evm_contract_interface,
               encode=abi.encode, decode=abi.decode, MethodEncoder=abi.MethodEncoder,
               InplaceTuple=abi.InplaceTuple, type_name_of=abi.type_name_of, **abi.FIXED_BYTES,
               signature_of=abi.signature_of, selector_of=abi.selector_of)
gl.vm = sys.modules["genlayer.gl.vm"] = vm
gl.nondet = sys.modules["genlayer.gl.nondet"] = nondet
sys.modules["genlayer.gl.nondet.web"] = nondet.web
gl.eq_principle = sys.modules["genlayer.gl.eq_principle"] = eq_principle
gl.storage = _path("genlayer.gl.storage", copy_to_memory=memory.copy_to_memory,
                   allow=allow_storage, **_stored, **slots.NAMES)
storage.__dict__.update(_stored, copy_to_memory=memory.copy_to_memory, allow=allow_storage)
gl.__path__ = []

py = _path("genlayer.py", types=types, storage=storage, calldata=calldata, __path__=[])
_path("genlayer.py.types", **_values, Keccak256=Keccak256)
_path("genlayer.py.storage", **vars(gl.storage))
sys.modules["genlayer.py.calldata"] = calldata
py.keccak = _path("genlayer.py.keccak", Keccak256=Keccak256)
# Where vectors were before `genlayer_embeddings`.
_path("genlayer.py.storage.vecdb", VecDB=VecDB, VecDBElement=VecDBElement)
_path("genlayermodelwrappers", SentenceTransformer=SentenceTransformer)
_path("genlayer.std", **_values, **_stored, gl=gl, __path__=[])

__all__ = ["gl", "Address", "Array", "DynArray", "TreeMap", "allow_storage", "bigint",
           "Keccak256", "Lazy", "Rollback", "inmem_allocate", "Root", "Indirection", "VLA",
           "ROOT_SLOT_ID", "VecDB", *SIZED]
