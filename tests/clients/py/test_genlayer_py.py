"""genlayer-py as an author uses it. run.sh runs this once per version."""

import importlib.metadata

import pytest
from conftest import Author
from genlayer_py.abi import calldata
from genlayer_py.types import CalldataAddress, TransactionHashVariant
from support import answer, contract, eventually, raw_result, receipt_of, rpc, wait

VERSION = tuple(int(part) for part in importlib.metadata.version("genlayer-py").split(".")[:2])
NOWHERE = "0x00000000000000000000000000000000000000aA"
OTHER = "0x" + "bb" * 20
WHO = CalldataAddress(bytes(range(1, 21)))


def test_deployed_written_and_final(author, storage):
    assert author.read(storage, "get_storage") == "initial"
    sent, _ = author.write(storage, "update_storage", ["written"])
    assert author.read(storage, "get_storage") == "written"
    final = wait(author.client, sent, "FINALIZED")
    assert rpc("eth_getTransactionByHash", sent)["status"] == "FINALIZED"
    assert receipt_of(final)["genvm_result"]["stdout"] == "was initial\n"
    assert len(final["consensus_data"]["votes"]) == 5


def test_accepted_and_final_state_are_apart(author):
    final = TransactionHashVariant.LATEST_FINAL
    sent = author.client.deploy_contract(code=contract("storage"), args=["final"])
    address = wait(author.client, sent, "FINALIZED")["data"]["contract_address"]
    rpc("sim_setFinalityWindowTime", 600)
    try:
        sent, _ = author.write(address, "update_storage", ["accepted"])
        assert author.read(address, "get_storage") == "accepted"
        assert author.read(address, "get_storage", transaction_hash_variant=final) == "final"
    finally:
        rpc("sim_setFinalityWindowTime", 1)
    wait(author.client, sent, "FINALIZED")
    assert author.read(address, "get_storage", transaction_hash_variant=final) == "accepted"


def test_leader_only(author, storage):
    sent, _ = author.write(storage, "update_storage", ["led"], leader_only=True)
    assert rpc("eth_getTransactionByHash", sent)["leader_only"] is True
    assert author.read(storage, "get_storage") == "led"


def test_a_refusal_says_why(author, storage):
    _, found = author.write(storage, "refuse", ["not today"])
    assert receipt_of(found)["execution_result"] == "ERROR"
    assert receipt_of(found)["result"]["status"] == "rollback"
    assert receipt_of(found)["result"]["payload"] == "not today"


def test_what_is_not_there_is_said(author, storage):
    with pytest.raises(Exception, match="(?i)contract"):
        author.write(NOWHERE, "update_storage", ["x"])
    with pytest.raises(Exception):
        author.read(storage, "no_such_method")
    with pytest.raises(Exception):
        author.client.get_transaction(transaction_hash="0x" + "ab" * 32)


SAMPLES = [
    (None, "NoneType"), (True, "bool"), (False, "bool"), (0, "int"), (15, "int"), (16, "int"),
    (1024, "int"), (-1, "int"), (-17, "int"), (2**64 - 1, "int"), (-(2**64), "int"),
    (2**256 - 1, "int"), ("", "str"), ("hello é 🦀", "str"), ("y" * 200, "str"), (b"", "bytes"),
    (b"\xde\xad", "bytes"), (WHO, "Address"), ([], "[]"), ([1, [2, [3]]], "[int,[int,[int]]]"),
    ([None, True, "z"], "[NoneType,bool,str]"), ({}, "{}"), ({"b": 2, "a": 1}, "{a:int,b:int}"),
    ({"é": 1, "z": 2, "Z": 3, "🦀": 4, "": 5}, "{:int,Z:int,z:int,é:int,🦀:int}"),
    (["long " * index for index in range(40)], "[" + "str," * 39 + "str]"),
]


@pytest.mark.parametrize(("value", "kind"), SAMPLES, ids=lambda value: repr(value)[:20])
def test_every_type_goes_in_and_comes_back(author, values, value, kind):
    assert author.read(values, "type_of", [value]) == kind
    raw = author.read(values, "echo", [value], raw_return=True)
    assert raw == "0x" + calldata.encode(value).hex()
    assert author.read(values, "echo", [value]) == value


def test_every_type_goes_through_consensus(author, values):
    everything = [value for value, _ in SAMPLES]
    sent, _ = author.write(values, "tell", [everything])
    assert raw_result(sent) == calldata.encode(everything)
    # The client itself cannot show bytes in a result ("can't encode <memory …>"), so without them.
    _, found = author.write(values, "tell", [{"b": [1, "two"], "a": WHO}])
    assert receipt_of(found)["result"]["status"] == "return"
    readable = receipt_of(found)["result"]["payload"]["readable"]
    assert readable == f'{{"a":addr#{WHO.as_bytes.hex()},"b":[1,"two"]}}'


def test_named_arguments(author, values):
    assert author.read(values, "join", ["a", "b"], kwargs={"third": "?"}) == "ab?"


def test_what_was_written_is_kept(author, values):
    author.write(values, "keep", ["text", 2**200, b"\x01\x02", WHO, True])
    kept = author.read(values, "kept")
    assert kept == {"text": "text", "number": 2**200, "raw": b"\x01\x02", "who": WHO, "flag": True}


def test_money_goes_in_and_out(author):
    client, address = author.client, author.deploy("purse")
    funded = client.fund_account(address=author.account.address, amount=10**21)
    assert len(funded) == 32
    before = client.get_balance(author.account.address)
    assert before >= 10**21
    author.write(address, "give", value=10**18)
    assert before - client.get_balance(author.account.address) == 10**18
    assert author.read(address, "total") == 10**18
    earlier = int(rpc("eth_getBalance", OTHER, "latest"), 16)
    sent, _ = author.write(address, "pay_out", [CalldataAddress(OTHER), 400])
    wait(client, sent, "FINALIZED")
    eventually(
        "the payment arrives",
        lambda: int(rpc("eth_getBalance", OTHER, "latest"), 16),
        lambda balance: balance - earlier == 400,
    )


def test_nonces_count_what_was_sent():
    fresh = Author()
    assert fresh.client.get_current_nonce(fresh.account.address) == 0
    fresh.deploy("storage", ["counted"])
    assert fresh.client.get_current_nonce(fresh.account.address) == 1


def test_schema_by_address_and_by_code(author, values):
    schema = author.client.get_contract_schema(values)
    assert schema["ctor"] == {"params": [["start", "int"]], "kwparams": {"note": "string"}}
    assert schema["methods"]["join"]["readonly"] is True
    assert schema["methods"]["keep"]["params"][3] == ["who", "address"]
    assert author.client.get_contract_schema_for_code(contract("values")) == schema


def test_a_simulated_write_has_a_receipt_and_changes_nothing(author, values):
    author.write(values, "tell", ["real"])
    receipt = author.client.simulate_write_contract(
        address=values, function_name="tell", args=[[1]]
    )
    assert receipt["execution_result"] == "SUCCESS"
    assert receipt["contract_state"]
    assert author.read(values, "kept")["text"] == "str"


def test_messages_become_transactions(author, storage):
    relay = author.deploy("relay", [CalldataAddress(storage)])
    sent, _ = author.write(relay, "pass_on", ["passed on"])
    triggered = eventually(
        "the message is sent",
        lambda: rpc("eth_getTransactionByHash", sent)["triggered_transactions"],
        lambda hashes: len(hashes) == 1,
    )
    if VERSION >= (0, 13):
        assert author.client.get_triggered_transaction_ids(sent) == triggered
    wait(author.client, triggered[0])
    assert author.read(storage, "get_storage") == "passed on"
    sent, _ = author.write(relay, "pass_on_later", ["later"])
    wait(author.client, sent, "FINALIZED")
    eventually(
        "the final message is carried out",
        lambda: author.read(storage, "get_storage"),
        lambda text: text == "later",
    )


def test_an_appeal_asks_more_validators(author, storage):
    rpc("sim_setFinalityWindowTime", 600)
    try:
        sent, _ = author.write(storage, "update_storage", ["appealed"])
        author.client.appeal_transaction(transaction_id=sent)
        found = eventually(
            "the appeal is over",
            lambda: rpc("eth_getTransactionByHash", sent),
            lambda tx: tx["status"] == "ACCEPTED" and not tx["appealed"] and tx["appeal_failed"] == 1,
        )
        assert len(found["consensus_data"]["votes"]) > 5
    finally:
        rpc("sim_setFinalityWindowTime", 1)
    wait(author.client, sent, "FINALIZED")


if VERSION >= (0, 13):

    def test_a_transaction_is_traced(author, storage):
        sent, _ = author.write(storage, "update_storage", ["traced"])
        assert author.client.debug_trace_transaction(sent)["stdout"].startswith("was ")


def test_the_consensus_contract_is_told(author):
    told = rpc("sim_getConsensusContract", "ConsensusMain")
    names = {entry.get("name") for entry in told["abi"]}
    assert {"addTransaction", "NewTransaction", "submitAppeal"} <= names
    assert answer("sim_getConsensusContract", "NoSuchContract")["error"]
