"""What the Python suites share: where the network is, plain JSON-RPC, and waiting."""

import base64
import inspect
import os
import pathlib
import time

import requests

URL = os.environ["AGORA_URL"]
ENDPOINT = f"{URL}/api"
FOLDER = pathlib.Path(__file__).parent.parent
DECIDED = {"ACCEPTED", "FINALIZED", "UNDETERMINED", "LEADER_TIMEOUT", "VALIDATORS_TIMEOUT", "CANCELED"}


def contract(name: str) -> str:
    return (FOLDER / "contracts" / f"{name}.py").read_text()


def answer(method: str, *params) -> dict:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    return requests.post(ENDPOINT, json=request, timeout=60).json()


def rpc(method: str, *params):
    answered = answer(method, *params)
    assert "error" not in answered, f"{method}: {answered['error']}"
    return answered["result"]


def eventually(what: str, ask, is_wanted, seconds: float = 60):
    """Asks until the answer is what is wanted, or fails with the last one when time is over."""
    deadline = time.monotonic() + seconds
    while not is_wanted(last := ask()):
        assert time.monotonic() < deadline, f"{what}: after {seconds} s still {last}"
        time.sleep(0.02)
    return last


def wait(client, transaction_hash, status: str = "ACCEPTED") -> dict:
    """Waits through the client, whose words for it changed with 0.19."""
    call = client.wait_for_transaction_receipt
    given = {"transaction_hash": transaction_hash, "interval": 50, "retries": 1200, "full_transaction": True}
    known = inspect.signature(call).parameters
    if "wait_until" in known:
        given["wait_until"] = "finalized" if status == "FINALIZED" else "decided"
    else:
        from genlayer_py.types import TransactionStatus

        given["status"] = TransactionStatus[status]
    return call(**{name: value for name, value in given.items() if name in known})


def receipt_of(transaction: dict) -> dict:
    return transaction["consensus_data"]["leader_receipt"][0]


def raw_result(transaction_hash) -> bytes:
    """What the leader returned, as calldata."""
    plain = rpc("eth_getTransactionByHash", transaction_hash)
    code, *payload = base64.b64decode(receipt_of(plain)["result"])
    assert code == 0, plain
    return bytes(payload)
