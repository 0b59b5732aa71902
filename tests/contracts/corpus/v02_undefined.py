# { "Depends": "py-genlayer:1jb45aa8ynh2a9c9xn3b7qqh8sm5q93hwfp7jqmwsfhh8jpz09h6" }
from genlayer import *


class Catches(gl.Contract):
    hidden: u8

    def __init__(self):
        pass

    def helper(self) -> int:
        return 1

    def _own(self) -> int:
        return 2

    @gl.public.write
    def __handle_undefined_method__(self, method_name: str, args: list, kwargs: dict):
        return [method_name, args, kwargs]


#> deploy []
#> call nothing [1] => ["nothing", [1], {}]
#> call  [1, 2] => ["", [1, 2], {}]
#> fail helper [] => `helper` is not public
#> fail _own [] => `_own` is private
#> fail hidden [] => has no public method `hidden`
#> fail __init__ [] => the constructor cannot be called
#> fail __nothing__ [] => has no public method `__nothing__`
