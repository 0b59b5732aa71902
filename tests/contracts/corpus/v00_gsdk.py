# { "Depends": "genlayer-py-std:test" }
import genlayer.sdk as gsdk


@gsdk.contract
class Hello:
    def __init__(self):
        print("init")

    @gsdk.public.view
    def greet(self, name: str) -> str:
        return f"hello {name}"


#> deploy []
#> call greet ["you"] => "hello you"
