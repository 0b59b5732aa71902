import sys
import types
from genvm.contracts.base import IContract
from genvm.contracts.equivalence_principle import EquivalencePrinciple, call_llm_with_principle

# Stand-ins for the parts that ask the web and models.
web = types.SimpleNamespace(render=lambda url, mode: f"page of {url} as {mode}")
nondet = types.SimpleNamespace(web=web, exec_prompt=lambda prompt: "answer to " + prompt)
sys.modules["genlayer.nondet"] = nondet
sys.modules["genlayer.vm"] = types.SimpleNamespace(
    run_nondet_unsafe=lambda leader, validator: leader() if validator(None) else None)
sys.modules["genlayer.eq_principle"] = types.SimpleNamespace(
    prompt_comparative=lambda fn, principle: f"{fn()} [{principle}]",
    prompt_non_comparative=lambda fn, task, criteria: f"{fn()} <{criteria}>")


class Answers(IContract):
    async def ask(self, url: str) -> str:
        result = {}
        async with EquivalencePrinciple(result=result, principle="same", comparative=True) as eq:
            page = await eq.get_webpage(url)
            eq.set(await eq.call_llm(page))
        return result["output"]

    async def judge(self) -> str:
        return await call_llm_with_principle("p", eq_principle="c", comparative=False)


#> deploy []
#> call ask ["u"] => "answer to page of u as text [same]"
#> call judge [] => "p <c>"
