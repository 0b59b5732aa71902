"""What a call or a transaction may bring along: validators with mocked models and web, and a date.

Clients have it since genlayer-py 0.9, so run.sh leaves this file out for 0.8.1."""

import pytest
from support import answer, receipt_of, rpc

MOCK = {
    "response": {"Answer shortly: capital of France": "Paris", "Answer shortly": "no idea"},
    "eq_principle_prompt_comparative": {"the answers mean the same": True},
    "eq_principle_prompt_non_comparative": {"it is one word": True},
}
PRICES = "https://prices.example.com/now?of=gen"
WEB = {"nondet_web_request": {PRICES: {"method": "GET", "status": 200, "body": '{"price": 42}'}}}


def validator(mock=MOCK, web=WEB) -> dict:
    """As gltest's validator factory makes them."""
    return {
        "stake": 8,
        "provider": "openai",
        "model": "gpt-4o",
        "config": {"temperature": 0.75, "max_tokens": 500},
        "plugin": "openai-compatible",
        "plugin_config": {
            "api_key_env_var": "OPENAIKEY",
            "api_url": "https://api.openai.com",
            "mock_response": mock,
            "mock_web_response": web,
        },
    }


FIVE = {"validators": [validator() for _ in range(5)]}


@pytest.fixture(scope="module")
def oracle(author) -> str:
    return author.deploy("oracle")


def test_a_model_answers_as_mocked(author, oracle):
    _, found = author.write(oracle, "ask", ["capital of France"], sim_config=FIVE)
    assert receipt_of(found)["execution_result"] == "SUCCESS"
    assert author.read(oracle, "seen")["answer"] == "Paris"
    assert len(found["consensus_data"]["votes"]) == 5
    assert set(found["consensus_data"]["votes"].values()) == {"agree"}


def test_the_first_prompt_that_is_part_of_it_wins(author, oracle):
    author.write(oracle, "ask", ["anything else"], sim_config=FIVE)
    assert author.read(oracle, "seen")["answer"] == "no idea"


def test_the_web_answers_as_mocked(author, oracle):
    _, found = author.write(oracle, "fetch", [PRICES], sim_config=FIVE)
    assert receipt_of(found)["execution_result"] == "SUCCESS", receipt_of(found)
    assert author.read(oracle, "seen")["page"] == "42"


def test_principles_are_judged_as_mocked(author, oracle):
    for method, text in (("compare", "capital of France"), ("sum_up", "one two")):
        mock = {**MOCK, "response": {**MOCK["response"], "one two": "few"}}
        five = {"validators": [validator(mock) for _ in range(5)]}
        _, found = author.write(oracle, method, [text], sim_config=five)
        assert receipt_of(found)["execution_result"] == "SUCCESS", receipt_of(found)
        assert rpc("eth_getTransactionByHash", found["hash"])["status"] in ("ACCEPTED", "FINALIZED")


def test_validators_that_are_told_to_disagree_do(author, oracle):
    never = {**MOCK, "eq_principle_prompt_comparative": {"the answers mean the same": False}}
    five = {"validators": [validator(never) for _ in range(5)]}
    before = author.read(oracle, "seen")["answer"]
    sent, _ = author.write(oracle, "compare", ["capital of France"], sim_config=five)
    found = rpc("eth_getTransactionByHash", sent)
    # UNDETERMINED, or FINALIZED by now: what stays is the majority.
    assert found["result_name"] == "MAJORITY_DISAGREE"
    assert author.read(oracle, "seen")["answer"] == before


def test_validators_of_different_opinion_are_outvoted(author, oracle):
    other = validator({**MOCK, "response": {"Answer shortly": "Lyon"}})
    # Six, because the one may lead: a rotation needs a validator that has no seat yet.
    mixed = {"validators": [validator() for _ in range(5)] + [other]}
    author.write(oracle, "ask", ["capital of France"], sim_config=mixed)
    assert author.read(oracle, "seen")["answer"] == "Paris"


def test_the_date_is_what_it_is_told_to_be(author):
    dated = {"genvm_datetime": "2024-01-02T03:04:05Z"}
    address = author.deploy("calendar", sim_config=dated)
    assert author.read(address, "get_marked").startswith("2024-01-02T03:04:05")
    author.write(address, "mark", sim_config={"genvm_datetime": "2031-05-06T00:00:00Z"})
    assert author.read(address, "get_marked").startswith("2031-05-06")
    assert author.read(address, "today", sim_config=dated).startswith("2024-01-02")
    assert not author.read(address, "today").startswith("2024-01-02")


def test_simulations_take_it_too(author, oracle):
    receipt = author.client.simulate_write_contract(
        address=oracle, function_name="ask", args=["capital of France"],
        sim_config={"validators": [validator()]},
    )
    assert receipt["execution_result"] == "SUCCESS"
    assert receipt["node_config"]["model"] == "gpt-4o"
    assert receipt["eq_outputs"]


def test_a_configuration_that_makes_no_sense_is_refused(oracle):
    for wrong in ({"validators": 7}, {"genvm_datetime": "yesterday"}, "x"):
        call = {"type": "read", "to": oracle, "from": oracle, "data": "0xce8c0e066d6574686f641c67657400",
                "sim_config": wrong}
        assert answer("gen_call", call)["error"]["code"] == -32602, wrong
