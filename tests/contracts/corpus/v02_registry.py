# v0.2.16
# { "Depends": "py-genlayer:1jb45aa8ynh2a9c9xn3b7qqh8sm5q93hwfp7jqmwsfhh8jpz09h6" }

from genlayer import *
import json


class Registry(gl.Contract):
    owner: Address
    records: TreeMap[str, str]
    order: DynArray[str]
    count: u256

    def __init__(self):
        self.owner = gl.message.sender_address
        self.count = u256(0)

    @gl.public.write
    def put(self, key: str, note: str) -> None:
        if key in self.records:
            raise gl.vm.UserError("[EXPECTED] already there")
        self.records[key] = json.dumps({"note": note, "n": int(self.count)}, sort_keys=True)
        self.order.append(key)
        self.count += u256(1)

    @gl.public.view
    def get(self, key: str) -> str:
        return self.records.get(key, "")

    @gl.public.view
    def page(self, start: int, size: int) -> list[str]:
        return [k for k in self.order[start:start + size]]


#> deploy []
#> call put ["b", "x"] => null
#> call put ["a", "y"] => null
#> call get ["a"] => "{\"n\": 1, \"note\": \"y\"}"
#> call page [0, 9] => ["b", "a"]
#> user put ["a", "z"] => "[EXPECTED] already there"
