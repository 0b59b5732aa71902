# { "Depends": "py-genlayer:1jb45aa8ynh2a9c9xn3b7qqh8sm5q93hwfp7jqmwsfhh8jpz09h6" }
from genlayer import *


class Invented(gl.Contract):
    def __init__(self):
        pass

    @gl.public.write
    def pay(self) -> None:
        gl.transfer(gl.message.sender_address, 1)

    @gl.public.view
    def when(self) -> int:
        return gl.block.timestamp

    @gl.public.view
    def who(self) -> str:
        return gl.message.sender

    @gl.public.view
    def at(self) -> int:
        return gl.message.timestamp

    @gl.public.write
    def old(self) -> str:
        return gl.exec_prompt("hello")

    @gl.public.view
    def raw(self) -> list:
        return [gl.message_raw["datetime"], gl.message_raw["is_init"], gl.message_raw["stack"]]


#> deploy []
#> fail pay [] => has no attribute 'transfer'; did you mean `get_contract_at
#> fail when [] => has no attribute 'block'; did you mean `message_raw`?
#> fail who [] => gl.message has no `sender`; did you mean `sender_address`?
#> fail at [] => gl.message has no `timestamp`
#> fail old [] => has no attribute 'exec_prompt'; did you mean `nondet.exec_prompt`?
#> call raw [] => ["2023-11-14T22:13:20.123456Z", false, []]
