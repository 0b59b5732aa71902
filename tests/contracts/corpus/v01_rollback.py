# v0.1.0
# { "Depends": "py-genlayer:test" }
from genlayer import *


class Flat(gl.Contract):
    left: u32

    def __init__(self, left: int):
        self.left = left

    @gl.public.write
    def take(self) -> int:
        if self.left == 0:
            gl.rollback_immediate("nothing left")
        self.left -= 1
        return self.left

    @gl.public.write
    def raises(self) -> None:
        raise Rollback("old error")

    @gl.public.view
    def text_of_an_error(self) -> str:
        try:
            raise Rollback("bare")
        except Rollback as error:
            return f"{error} {error.msg}"

    @gl.public.write
    def advanced(self) -> None:
        gl.advanced.user_error_immediate("advanced error")

    @gl.public.view
    def account(self) -> Address:
        return gl.message.sender_account


#> deploy [1]
#> call take [] => 0
#> user take [] => "nothing left"
#> user raises [] => "old error"
#> call text_of_an_error [] => "bare bare"
#> user advanced [] => "advanced error"
#> call account [] => "@aa"
