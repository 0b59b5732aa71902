"""Mocked validators, the date, and the analysis of a method over many simulated runs."""

import json

import pytest
from gltest import get_contract_factory, get_validator_factory
from gltest.assertions import tx_execution_succeeded
from gltest.helpers import load_fixture

PRICES = "https://prices.example.com/now"
LLM = {
    "nondet_exec_prompt": {"capital of France": "Paris"},
    "eq_principle_prompt_comparative": {"the answers mean the same": True},
    "eq_principle_prompt_non_comparative": {"it is one word": True},
}
WEB = {"nondet_web_request": {PRICES: {"method": "GET", "status": 200, "body": json.dumps({"price": 7})}}}


def oracle():
    return get_contract_factory("Oracle").deploy(args=[])


@pytest.fixture
def context():
    factory = get_validator_factory()
    validators = factory.batch_create_mock_validators(5, mock_llm_response=LLM, mock_web_response=WEB)
    return {"validators": [validator.to_dict() for validator in validators]}


def test_a_model_answers_as_mocked(context):
    contract = load_fixture(oracle)
    receipt = contract.ask(args=["the capital of France"]).transact(transaction_context=context)
    assert tx_execution_succeeded(receipt)
    assert contract.seen(args=[]).call()["answer"] == "Paris"


def test_the_web_answers_as_mocked(context):
    contract = load_fixture(oracle)
    receipt = contract.fetch(args=[PRICES]).transact(transaction_context=context)
    assert tx_execution_succeeded(receipt)
    assert contract.seen(args=[]).call()["page"] == "7"


def test_principles_are_judged_as_mocked(context):
    contract = load_fixture(oracle)
    receipt = contract.compare(args=["the capital of France"]).transact(transaction_context=context)
    assert tx_execution_succeeded(receipt)
    assert contract.seen(args=[]).call()["answer"] == "Paris"


def test_the_date_is_part_of_the_context():
    dated = {"genvm_datetime": "2024-02-29T12:00:00Z"}
    contract = get_contract_factory("Calendar").deploy(args=[], transaction_context=dated)
    assert contract.get_marked(args=[]).call().startswith("2024-02-29T12:00:00")
    assert contract.today(args=[]).call(transaction_context=dated).startswith("2024-02-29")
    assert tx_execution_succeeded(contract.mark(args=[]).transact(transaction_context={
        **dated, "genvm_datetime": "2025-12-31T23:59:59Z",
    }))
    assert contract.get_marked(args=[]).call().startswith("2025-12-31T23:59:59")


def test_a_method_is_analysed():
    factory = get_validator_factory()
    mock = factory.create_mock_validator(LLM, WEB).to_dict()
    contract = load_fixture(oracle)
    analysis = contract.ask(args=["the capital of France"]).analyze(
        provider=mock["provider"], model=mock["model"], config=mock["config"],
        plugin=mock["plugin"], plugin_config=mock["plugin_config"], runs=5,
    )
    assert analysis.method == "ask"
    assert analysis.total_runs == 5
    assert analysis.server_error_runs == 0
    assert analysis.successful_runs == 5
    assert analysis.unique_states == 1
    assert analysis.reliability_score == 1.0
    assert contract.seen(args=[]).call()["answer"] == ""


def test_an_analysis_sees_the_failures():
    storage = get_contract_factory("Storage").deploy(args=["analysed"])
    analysis = storage.refuse(args=["never"]).analyze(provider="openai", model="gpt-4o", runs=3)
    assert analysis.executed_runs == 3
    assert analysis.failed_runs == 3
    assert analysis.successful_runs == 0
