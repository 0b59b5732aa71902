// The JSON-RPC envelope as the clients' transports need it, and methods no package wraps.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { privateKeyToAccount, generatePrivateKey } from "viem/accounts";
import { concat, keccak256, pad, toBytes, toHex } from "viem";
import { answer, contract, eventually, post, rpc, setFinalityWindow, transactionWith, url } from "./support.mjs";
import { account, client, deploy, read, write } from "./support_client.mjs";

const newTransaction = keccak256(toBytes("NewTransaction(bytes32,address,address)"));
const request = (method, params, id = 1) => ({ jsonrpc: "2.0", id, method, params });

describe("the envelope", () => {
  test("an id comes back as it was, of any type", async () => {
    for (const id of [1, 0, 1786000000000, "5c1e", "7"]) {
      const { status, body } = await post(request("ping", [], id));
      assert.equal(status, 200);
      assert.deepEqual(body, { jsonrpc: "2.0", id, result: "OK" });
    }
  });

  test("parameters may be absent, and may be named", async () => {
    assert.equal((await post({ jsonrpc: "2.0", id: 1, method: "eth_chainId" })).body.result, "0xeec7");
    const { address } = privateKeyToAccount(generatePrivateKey());
    const named = { account_address: address, amount: 5 };
    assert.match((await answer("sim_fundAccount", named)).result, /^0x[0-9a-f]{64}$/);
    assert.equal(await rpc("eth_getBalance", address, "latest"), "0x5");
  });

  test("a batch is answered in full, and errors stay in their place", async () => {
    const batch = [
      request("eth_chainId", [], 1), request("no_such", [], "two"), request("ping", undefined, 3),
    ];
    const { status, body } = await post(batch);
    assert.equal(status, 200);
    const byId = new Map(body.map((one) => [one.id, one]));
    assert.equal(byId.get(1).result, "0xeec7");
    assert.equal(byId.get("two").error.code, -32601);
    assert.equal(byId.get(3).result, "OK");
  });

  test("result and error exclude each other, and null is a result", async () => {
    const missing = await answer("eth_getTransactionReceipt", [`0x${"cd".repeat(32)}`]);
    assert.deepEqual(missing, { jsonrpc: "2.0", id: 1, result: null });
    const unknown = await answer("no_such_method", []);
    assert.deepEqual(Object.keys(unknown).sort(), ["error", "id", "jsonrpc"]);
    assert.match(unknown.error.message, /no_such_method/);
  });

  test("every fault of the request has its code", async () => {
    assert.equal((await post("{")).body.error.code, -32700);
    assert.equal((await post([])).body.error.code, -32600);
    assert.equal((await post("7")).body.error.code, -32600);
    assert.equal((await answer("eth_getBalance", [])).error.code, -32602);
    assert.equal((await answer("eth_getBalance", ["0x12", "latest"])).error.code, -32602);
    assert.equal((await answer("eth_getTransactionByHash", [`0x${"cd".repeat(32)}`])).error.code, -32001);
  });

  test("surplus parameters do no harm", async () => {
    const estimate = { from: account.address, to: account.address };
    assert.match(await rpc("eth_estimateGas", estimate, "latest"), /^0x/);
  });

  test("a notification is not answered", async () => {
    assert.deepEqual(await post({ jsonrpc: "2.0", method: "ping" }), { status: 204, body: undefined });
  });

  test("a web page of the user interface may call", async () => {
    const response = await fetch(`${url}/api`, {
      method: "OPTIONS",
      headers: {
        origin: "http://localhost:8080",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-session-id",
      },
    });
    assert.ok(response.ok, `${response.status}`);
    assert.ok(["*", "http://localhost:8080"].includes(response.headers.get("access-control-allow-origin")));
  });
});

describe("the methods", () => {
  // What the surveyed clients, the user interface and wallets call; called here with nothing.
  const called = `
    ping eth_chainId net_version eth_blockNumber eth_getBlockByNumber eth_getBlockByHash eth_gasPrice
    eth_maxPriorityFeePerGas eth_feeHistory eth_estimateGas eth_getBalance eth_getTransactionCount
    eth_sendRawTransaction eth_getTransactionByHash eth_getTransactionReceipt eth_getCode eth_call
    eth_syncing eth_getLogs gen_call sim_call gen_getContractSchema gen_getContractSchemaForCode
    gen_getContractCode gen_getContractNonce gen_getTransactionStatus gen_dbg_traceTransaction
    gen_getStudioTransactionByHash gen_estimateLatestAppealCharge sim_fundAccount
    sim_getConsensusContract sim_createValidator sim_createRandomValidator sim_createRandomValidators
    sim_updateValidator sim_deleteValidator sim_deleteAllValidators sim_getAllValidators
    sim_getValidator sim_countValidators sim_getProvidersAndModels sim_addProvider sim_updateProvider
    sim_deleteProvider sim_resetDefaultsLlmProviders sim_createSnapshot sim_restoreSnapshot
    sim_deleteAllSnapshots sim_cancelTransaction sim_upgradeContractCode sim_getFeeConfig
    sim_estimateTransactionFees sim_getFinalityWindowTime sim_setFinalityWindowTime sim_lintContract
    sim_getTransactionsForAddress sim_updateTransactionStatus sim_clearDbTables
  `.trim().split(/\s+/);
  const harmful = ["sim_deleteAllValidators", "sim_deleteAllSnapshots", "sim_resetDefaultsLlmProviders"];

  for (const method of called.filter((method) => !harmful.includes(method))) {
    test(`${method} is known`, async () => {
      assert.notEqual((await answer(method, [])).error?.code, -32601);
    });
  }
});

describe("accounts", () => {
  const { address } = privateKeyToAccount(generatePrivateKey());

  test("the faucet takes amounts as every client writes them", async () => {
    const raw = (amount) => `{"jsonrpc":"2.0","id":1,"method":"sim_fundAccount","params":["${address}",${amount}]}`;
    for (const amount of ["1000000000000000000000", "1e+21", "1000000000000000000000"]) {
      const { body } = await post(raw(amount));
      assert.match(body.result, /^0x[0-9a-f]{64}$/, JSON.stringify(body));
    }
    assert.equal(BigInt(await rpc("eth_getBalance", address, "latest")), 3n * 10n ** 21n);
  });

  test("an address is one address in every case", async () => {
    const lower = await rpc("eth_getBalance", address.toLowerCase(), "latest");
    assert.equal(lower, await rpc("eth_getBalance", address));
  });
});

describe("logs and blocks", () => {
  let address, found;
  before(async () => {
    address = await deploy("storage", ["logged"]);
    found = await write(address, "update_storage", ["again"]);
  });

  test("a receipt carries the log that the clients look for", async () => {
    const receipt = await rpc("eth_getTransactionReceipt", found.hash);
    assert.equal(receipt.status, "0x1");
    assert.deepEqual(receipt.logs[0].topics, [
      newTransaction, found.hash, pad(address).toLowerCase(), pad(account.address).toLowerCase(),
    ]);
    for (const name of ["address", "data", "blockNumber", "transactionHash", "transactionIndex", "blockHash", "logIndex"]) {
      assert.notEqual(receipt.logs[0][name] ?? null, null, name);
    }
  });

  test("the log is found by its topics", async () => {
    const logs = await rpc("eth_getLogs", {
      fromBlock: "earliest", toBlock: "latest", topics: [newTransaction, found.hash],
    });
    assert.equal(logs.length, 1);
    assert.equal(logs[0].transactionHash, found.hash);
    const none = { fromBlock: "earliest", topics: [newTransaction, `0x${"cd".repeat(32)}`] };
    assert.deepEqual(await rpc("eth_getLogs", none), []);
  });

  test("the receipt's block is there under its number and its hash", async () => {
    const { blockHash, blockNumber } = await rpc("eth_getTransactionReceipt", found.hash);
    const byHash = await rpc("eth_getBlockByHash", blockHash, false);
    const byNumber = await rpc("eth_getBlockByNumber", blockNumber, false);
    assert.equal(byHash.hash, blockHash);
    assert.equal(byNumber.hash, blockHash);
    assert.ok(byNumber.transactions.includes(found.hash));
  });

  test("the block number grows", async () => {
    const earlier = BigInt(await rpc("eth_blockNumber"));
    await write(address, "update_storage", ["once more"]);
    await eventually("a later block", async () => BigInt(await rpc("eth_blockNumber")), (now) => now > earlier);
  });
});

describe("snapshots", () => {
  test("state, balances and transactions go back to where they were", async () => {
    const address = await deploy("storage", ["before"]);
    const { address: rich } = privateKeyToAccount(generatePrivateKey());
    const first = await rpc("sim_createSnapshot");
    assert.ok(Number.isInteger(first));
    const { hash } = await write(address, "update_storage", ["after"]);
    await rpc("sim_fundAccount", rich, 7);
    const second = await rpc("sim_createSnapshot");
    assert.ok(second > first);
    assert.equal(await rpc("sim_restoreSnapshot", first), true);
    assert.equal(await read(address, "get_storage"), "before");
    assert.equal(await rpc("eth_getBalance", rich, "latest"), "0x0");
    assert.equal((await answer("eth_getTransactionByHash", [hash])).error.code, -32001);
    assert.equal((await answer("sim_restoreSnapshot", [second])).result ?? false, false, "gone with the restored one");
    await write(address, "update_storage", ["anew"]);
    assert.equal(await rpc("sim_restoreSnapshot", first), true);
    assert.equal(await read(address, "get_storage"), "before");
    assert.ok((await rpc("sim_deleteAllSnapshots")).deleted_count >= 1);
  });
});

describe("upgrades", () => {
  const changed = contract("upgradable").replace("version 1", "version 2");
  const upgradeSignature = async (signer, address) => {
    const nonce = await rpc("gen_getContractNonce", address);
    const raw = keccak256(concat([address, pad(toHex(nonce)), keccak256(toBytes(changed))]));
    return signer.signMessage({ message: { raw } });
  };

  const ended = (hash, status) =>
    eventually("the upgrade ends", () => rpc("eth_getTransactionByHash", hash), (it) => it.status === status);

  // Who signs is asked where a key guards the network: tests/api/rpc/wallet.rs.
  test("the deployer replaces the code and keeps the state", async () => {
    const address = await deploy("upgradable");
    await write(address, "add");
    const { transaction_hash: hash } = await rpc(
      "sim_upgradeContractCode", address, changed, await upgradeSignature(account, address),
    );
    const { type, consensus_data } = await ended(hash, "FINALIZED");
    assert.deepEqual([type, consensus_data.upgrade_result], [3, "success"]);
    assert.equal(await read(address, "version"), "version 2, count 2");
    assert.equal(await client.getContractCode(address), changed);
    const broken = await rpc("sim_upgradeContractCode", address, "def broken(:\n");
    const { consensus_data: data } = await ended(broken.transaction_hash, "CANCELED");
    assert.equal(data.upgrade_result, "failed");
    assert.match(data.error, /SyntaxError/);
    assert.equal(await client.getContractCode(address), changed);
  });
});

describe("a pending transaction", () => {
  test("is cancelled by its sender, once", async () => {
    const address = await deploy("patience");
    const count = (steps) =>
      client.writeContract({ address, functionName: "count", args: [steps], value: 0n });
    await count(5_000_000);
    const hash = await count(1);
    const raw = keccak256(concat([toBytes("cancel_transaction"), toBytes(hash)]));
    const signature = await account.signMessage({ message: { raw } });
    assert.deepEqual(await rpc("sim_cancelTransaction", hash, signature), { transaction_hash: hash, status: "CANCELED" });
    assert.equal((await rpc("eth_getTransactionByHash", hash)).status, "CANCELED");
    assert.ok((await answer("sim_cancelTransaction", [hash, signature])).error, "once is enough");
  });
});

describe("a contract whose deploy failed", () => {
  test("is not there, and its calls say so", async () => {
    const code = "from genlayer import *\nclass X(gl.Contract):\n    def __init__(self):\n        raise ValueError()\n";
    const deployed = await transactionWith(await client.deployContract({ code, args: [] }), "ACCEPTED");
    const address = deployed.to_address;
    const called = await client.writeContract({ address, functionName: "get", args: [], value: 0n });
    const { consensus_data: data, txExecutionResultName } = await transactionWith(called, "ACCEPTED", "FINALIZED");
    assert.equal(txExecutionResultName, "FINISHED_WITH_ERROR");
    assert.equal(data.leader_receipt.length, 1);
    assert.deepEqual(data.validators, []);
    const [receipt] = data.leader_receipt;
    assert.equal(receipt.execution_result, "ERROR");
    assert.deepEqual(receipt.node_config, { address: "contract_not_found_handler" });
  });
});

describe("the network", () => {
  test("its validators can be replaced", async () => {
    const started = await rpc("sim_countValidators");
    const made = await rpc("sim_createRandomValidator", 7);
    assert.equal(made.stake, 7);
    assert.equal(await rpc("sim_countValidators"), started + 1);
    assert.equal((await rpc("sim_getValidator", made.address)).address, made.address);
    const updated = await rpc("sim_updateValidator", made.address, "9", made.provider, made.model, made.config);
    assert.equal(updated.stake, 9);
    assert.equal(await rpc("sim_deleteValidator", made.address), made.address);
    assert.equal((await answer("sim_getValidator", [made.address])).error.code, -32001);
    assert.deepEqual(await rpc("sim_deleteAllValidators"), []);
    const group = await rpc("sim_createRandomValidators", "5", 1, 10, ["openai"]);
    assert.equal(group.length, 5);
    assert.equal((await rpc("sim_getAllValidators")).length, 5);
    await deploy("storage", ["by the new ones"]);
  });

  test("its providers are listed, added and removed", async () => {
    const providers = await rpc("sim_getProvidersAndModels");
    for (const name of ["provider", "model", "config", "plugin", "plugin_config", "is_available", "is_model_available"]) {
      assert.ok(name in providers[0], name);
    }
    const added = { ...providers[0], model: "a model of ours" };
    const { provider, model, config, plugin, plugin_config } = added;
    const id = await rpc("sim_addProvider", { provider, model, config, plugin, plugin_config });
    assert.ok((await rpc("sim_getProvidersAndModels")).some((one) => one.model === model));
    await rpc("sim_deleteProvider", id);
    assert.ok(!(await rpc("sim_getProvidersAndModels")).some((one) => one.model === model));
  });

  test("its window and its fees are told", async () => {
    await setFinalityWindow(5);
    assert.equal(await rpc("sim_getFinalityWindowTime"), 5);
    await setFinalityWindow(1);
    assert.equal((await rpc("sim_getFeeConfig")).enabled, false);
  });

  test("its providers are as they were after a reset", async () => {
    const names = async () =>
      (await rpc("sim_getProvidersAndModels")).map(({ provider, model }) => `${provider}/${model}`).sort();
    const started = await names();
    await rpc("sim_deleteProvider", (await rpc("sim_getProvidersAndModels"))[0].id);
    assert.equal((await names()).length, started.length - 1);
    await rpc("sim_resetDefaultsLlmProviders");
    assert.deepEqual(await names(), started);
  });

  test("its linter sees what is wrong", async () => {
    const { summary } = await rpc("sim_lintContract", contract("storage"), "contract.py");
    assert.equal(summary.by_severity.error, 0);
    const broken = await rpc("sim_lintContract", "class Storage(gl.Contract:\n", "contract.py");
    assert.ok(broken.summary.by_severity.error > 0);
    assert.ok(broken.results[0].line >= 1);
  });
});

// What `genlayer up --reset` asks for.
test("tables are not emptied one by one, and the answer says what to do instead", async () => {
  const { error } = await answer("sim_clearDbTables", [["current_state", "transactions"]]);
  assert.match(error.message, /sim_createSnapshot.*--data-dir/);
});
