"""Events: what a contract tells the outside world, by topics and a body."""

import inspect

import _genlayer
from genlayer import calldata

TOPICS_MAX = 4


def emit_raw_event(topics, blob, /):
    """Emits an event: up to four topics of 32 bytes, and any encodable body."""
    topics = [bytes(topic) for topic in topics]
    if len(topics) > TOPICS_MAX:
        raise ValueError(f"an event has at most {TOPICS_MAX} topics, not {len(topics)}")
    for topic in topics:
        if len(topic) != 32:
            raise ValueError(f"a topic has 32 bytes, not {len(topic)}")
    _genlayer.emit_event(b"".join(topics), calldata.encode(blob))


def topic_of(value):
    """The topic of an indexed field: its encoding padded with zeros, or the hash of a longer one."""
    data = calldata.encode(value)
    return _genlayer.keccak256(data) if len(data) > 32 else data.ljust(32, b"\0")


class Event:
    """Base class of events: `def __init__(self, indexed, fields, /, **blob): ...`."""

    def __init__(self):
        raise NotImplementedError("`Event` is a base class: derive your own event from it")

    emit_raw = staticmethod(emit_raw_event)

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        if "__init__" not in cls.__dict__:
            raise TypeError(f"the event `{cls.__name__}` needs an `__init__` that names its fields")
        indexed = []
        for parameter in list(inspect.signature(cls.__init__).parameters.values())[1:]:
            if parameter.kind is parameter.POSITIONAL_ONLY:
                indexed.append(parameter.name)
            elif parameter.kind is not parameter.VAR_KEYWORD:
                raise TypeError(f"`{parameter.name}` of the event `{cls.__name__}`: put `/` after "
                                "the indexed fields, and `**blob` for the rest")
        cls.name = cls.__dict__.get("name", cls.__name__)
        cls.indexed = tuple(sorted(indexed))
        cls.signature = f"{cls.name}({','.join(cls.indexed)})"
        if len(indexed) >= TOPICS_MAX:
            raise TypeError(f"the event `{cls.__name__}` has {len(indexed)} indexed fields; at "
                            f"most {TOPICS_MAX - 1} fit")

        # Values are taken in the sorted order of the names, as GenVM's SDK takes them.
        def __init__(self, *args, **blob):
            if len(args) != len(cls.indexed):
                raise TypeError(f"`{cls.__name__}` has the indexed fields {cls.indexed}, but "
                                f"{len(args)} values came")
            for name, value in zip(cls.indexed, args):
                if name in blob:
                    raise TypeError(f"the indexed field `{name}` cannot be in the body too")
                blob[name] = value
            self._blob = blob

        cls.__init__ = __init__

    def emit(self):
        """Emits the event."""
        topics = [_genlayer.keccak256(self.signature.encode())]
        topics += [topic_of(self._blob[name]) for name in self.indexed]
        emit_raw_event(topics, self._blob)
