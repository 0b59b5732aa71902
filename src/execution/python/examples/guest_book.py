# { "Depends": "py-genlayer:test" }

from dataclasses import dataclass
from datetime import datetime, timezone

from genlayer import *


@allow_storage
@dataclass
class Entry:
    author: Address
    text: str
    written_at: str


class GuestBook(gl.Contract):
    title: str
    entries: DynArray[Entry]
    counts: TreeMap[Address, u32]

    def __init__(self, title: str):
        self.title = title

    @gl.public.write
    def sign(self, text: str) -> int:
        text = text.strip()
        if not text:
            raise gl.vm.UserError("an entry needs a text")
        author = gl.message.sender_address
        now = datetime.now(timezone.utc).isoformat()
        self.entries.append(Entry(author, text, now))
        self.counts[author] = self.counts.get(author, 0) + 1
        return len(self.entries)

    @gl.public.view
    def latest(self, count: int = 10) -> list[dict]:
        return [
            {"author": entry.author.as_hex, "text": entry.text, "written_at": entry.written_at}
            for entry in self.entries[-count:]
        ]

    @gl.public.view
    def entry(self, index: int) -> Entry:
        return self.entries[index]

    @gl.public.view
    def authors(self) -> dict[str, int]:
        return {author.as_hex: count for author, count in self.counts.items()}
