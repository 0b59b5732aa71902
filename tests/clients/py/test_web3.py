"""web3.py as a wallet: transfers of every type, receipts, fees and blocks."""

import pytest
from eth_account import Account
from support import ENDPOINT, eventually, rpc
from web3 import Web3
from web3.exceptions import TransactionNotFound

GEN = 10**18
OTHER = Web3.to_checksum_address("0x" + "dd" * 20)


@pytest.fixture(scope="module")
def web3():
    return Web3(Web3.HTTPProvider(ENDPOINT))


@pytest.fixture(scope="module")
def account():
    made = Account.create()
    rpc("sim_fundAccount", made.address, 10 * GEN)
    return made


def test_the_chain(web3):
    assert web3.is_connected()
    assert web3.eth.chain_id == 61127
    assert web3.net.version == "61127"
    assert web3.eth.gas_price == 0
    assert web3.eth.max_priority_fee == 0
    assert web3.eth.syncing is False
    assert web3.eth.get_code(OTHER) == b""
    block = web3.eth.get_block("latest")
    assert block.number <= web3.eth.block_number
    assert web3.eth.get_block(block.hash).number == block.number
    assert set(web3.eth.fee_history(2, "latest").baseFeePerGas) == {0}
    assert web3.eth.get_logs({"fromBlock": "latest", "topics": ["0x" + "ab" * 32]}) == []


LEGACY = {"gasPrice": 0}
ACCESS_LIST = {"type": 1, "gasPrice": 0, "accessList": []}
DYNAMIC = {"type": 2, "maxFeePerGas": 0, "maxPriorityFeePerGas": 0}


@pytest.mark.parametrize("fields", [LEGACY, ACCESS_LIST, DYNAMIC], ids=["legacy", "2930", "1559"])
def test_a_transfer_of_each_type(web3, account, fields):
    before = web3.eth.get_balance(OTHER)
    nonce = web3.eth.get_transaction_count(account.address, "pending")
    transfer = {"to": OTHER, "value": GEN, "gas": 21_000, "nonce": nonce, "chainId": 61127, **fields}
    signed = account.sign_transaction(transfer)
    sent = web3.eth.send_raw_transaction(signed.raw_transaction)
    assert sent == signed.hash
    receipt = web3.eth.wait_for_transaction_receipt(sent, timeout=30, poll_latency=0.05)
    assert receipt.status == 1
    assert receipt["from"] == account.address
    assert receipt.type == fields.get("type", 0)
    eventually(
        "the money arrives",
        lambda: web3.eth.get_balance(OTHER),
        lambda balance: balance - before == GEN,
    )
    assert web3.eth.get_transaction_count(account.address) == nonce + 1
    assert sent in web3.eth.get_block(receipt.blockNumber).transactions


def test_gas_is_estimated(web3, account):
    assert web3.eth.estimate_gas({"from": account.address, "to": OTHER, "value": 1}) > 0


def test_what_is_not_there_is_waited_for(web3):
    with pytest.raises(TransactionNotFound):
        web3.eth.get_transaction_receipt("0x" + "ab" * 32)


def test_addresses_in_every_case_are_one(web3, account):
    assert web3.eth.get_balance(account.address) == int(
        rpc("eth_getBalance", account.address.lower(), "latest"), 16
    )
