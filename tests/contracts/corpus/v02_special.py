# { "Depends": "py-genlayer:1jb45aa8ynh2a9c9xn3b7qqh8sm5q93hwfp7jqmwsfhh8jpz09h6" }
from genlayer import *


class Purse(gl.Contract):
    got: u256
    log: DynArray[str]

    def __init__(self):
        pass

    @gl.public.write.payable
    def __receive__(self):
        self.got += gl.message.value

    @gl.public.write
    def __handle_undefined_method__(self, method_name: str, args: list, kwargs: dict):
        self.log.append(method_name)
        return [method_name, args]

    @gl.public.view
    def seen(self) -> list:
        return self.log


#> deploy []
#> call nothing [1] => ["nothing", [1]]
#> call seen [] => ["nothing"]
