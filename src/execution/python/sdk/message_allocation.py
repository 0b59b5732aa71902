"""What v0.3 says of the fees of messages, as `genlayer.message_allocation` has it.

Messages cost nothing on this network: these are values that `emit` takes and does not look at.
"""

import dataclasses

from genlayer import calldata, messages
from genlayer.types import Address, Keccak256

#: The key that stands for every method.
ANY_METHOD = Keccak256(b"").digest()
KEY_BYTES = 32
SELECTOR_BYTES = 4

type Descendants = None | int | list


def _key(name):
    """The key of a method's name; long ones are hashed, and marked as that by the last bit."""
    if name is None:
        return ANY_METHOD
    if isinstance(name, bytes):
        if len(name) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(name)}")
        return name
    if not isinstance(name, str):
        raise TypeError("`call_key` must be a method's name, bytes or None, not "
                        f"`{type(name).__name__}`")
    raw = name.encode()
    if len(raw) < KEY_BYTES:
        return raw + bytes(KEY_BYTES - len(raw))
    digest = Keccak256(raw).digest()
    return digest[:-1] + bytes([digest[-1] | 1])


def _external_key(selector):
    """The key of an Ethereum method's selector."""
    if isinstance(selector, str):
        raise TypeError("`call_key` of an external message must be bytes or None")
    if isinstance(selector, bytes) and len(selector) == SELECTOR_BYTES:
        return selector + bytes(KEY_BYTES - SELECTOR_BYTES)
    return _key(selector)


@dataclasses.dataclass(frozen=True)
class InternalAllocation:
    """What a message to a contract, and those that come of it, may cost."""

    recipient: Address
    call_key: str | bytes | None
    fee_params: messages.InternalMessageParams
    budget: int
    on: str = "finalized"
    children: list = dataclasses.field(default_factory=list)

    def __to_calldata__(self):
        return {"recipient": self.recipient, "call_key": _key(self.call_key),
                "budget": self.budget, "fee_params": self.fee_params, "on": self.on}


@dataclasses.dataclass(frozen=True)
class ExternalAllocation:
    """What a message to an Ethereum contract may cost."""

    recipient: Address
    call_key: bytes | None
    fee_params: messages.ExternalMessageParams
    budget: int

    def __to_calldata__(self):
        return {"recipient": self.recipient, "call_key": _external_key(self.call_key),
                "budget": self.budget, "fee_params": self.fee_params}


@dataclasses.dataclass(frozen=True)
class UseBalanceParams:
    """`use_balance` of a message: the contract pays for it."""

    fee_params: messages.InternalMessageParams
    descendants: Descendants = None


for _kind in (InternalAllocation, ExternalAllocation):
    calldata.CalldataEncodable.register(_kind)
