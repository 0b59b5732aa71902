# { "Depends": "py-genlayer:test" }

from genlayer import *


class Print(gl.Contract):
    calls: u64

    def __init__(self):
        print("deployed by", gl.message.sender_address)

    @gl.public.write
    def say(self, text: str) -> None:
        self.calls += 1
        print(f"call {self.calls}: {text}")

    @gl.public.view
    def count(self) -> int:
        print("counting")
        return self.calls
