# v0.3.0
# { "Depends": "py-genlayer:5jycge4q8k23462jtb0b9fyey1s9qz928sz2nbrd9mg4sxqg2qng" }
import genlayer as gl
from dataclasses import dataclass
from genlayer.types import u256
import genlayer.message as message


@gl.storage.allow
@dataclass
class Item:
    owner: gl.Address
    price: gl.u256


class Shop(gl.contract.Contract):
    items: gl.storage.TreeMap[str, Item]
    log: gl.DynArray[str]
    total: u256

    def __init__(self, price: int):
        self.items["a"] = Item(gl.message.sender_address, price)
        assert message.sender_address == gl.message.sender_address

    @gl.public.write
    def raise_price(self) -> int:
        self.items["a"].price += 1
        self.log.append("raised")
        return self.items["a"].price

    @gl.public.write
    def refuse(self) -> None:
        raise gl.vm.UserError({"code": 1, "of": [self.total, None]})

    @gl.private
    def helper(self):
        pass

    @gl.public.view
    def owner(self) -> gl.Address:
        return self.items["a"].owner


#> deploy [4]
#> call raise_price [] => 5
#> call owner [] => "@aa"
#> fail helper [] => `helper` is not public
#> user refuse [] => "{\"code\":1,\"of\":[0,null]}"
