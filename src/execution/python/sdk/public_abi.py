"""Numbers and names that contracts share with what runs them, as `genlayer.py.public_abi` has them.

Contracts take `StorageType` from here, mostly for `view(state=StorageType.LATEST_FINAL)`.
"""

import enum


class ResultCode(enum.IntEnum):
    """How an execution ended: the first byte of a result."""

    RETURN = 0
    USER_ERROR = 1
    VM_ERROR = 2
    INTERNAL_ERROR = 3


class StorageType(enum.IntEnum):
    """Which state of a contract is read."""

    DEFAULT = 0
    LATEST_FINAL = 1
    LATEST_NON_FINAL = 2


class StorageView(enum.IntEnum):
    """The same in the newest SDK."""

    DEFAULT = 0
    LATEST_FINALIZED = 1
    LATEST_DECIDED = 2


class EntryKind(enum.IntEnum):
    """What kind of code runs."""

    MAIN = 0
    SANDBOX = 1
    CONSENSUS_STAGE = 2


class SpecialMethod(enum.StrEnum):
    """Names of calls that no method has."""

    GET_SCHEMA = "#get-schema"
    ERRORED_MESSAGE = "#error"


class VmError(enum.StrEnum):
    """What the text of an error of the machine begins with."""

    TIMEOUT = "timeout"
    EXIT_CODE = "exit_code"
    VALIDATOR_DISAGREES = "validator_disagrees"
    VERSION_TOO_BIG = "version_too_big"
    OOM = "OOM"
    INVALID_CONTRACT = "invalid_contract"


EVENT_MAX_TOPICS = 4
ABSENT_VERSION = "v0.1.0"
CODE_SLOT_OFFSET = 1
