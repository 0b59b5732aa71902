// genlayer-js as an author uses it. run.sh runs this once per version: GENLAYER_JS names the package.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { contract, endpoint, eventually, rpc, setFinalityWindow } from "./support.mjs";

const name = process.env.GENLAYER_JS ?? "genlayer-js";
const { createAccount, createClient, abi } = await import(name);
const { localnet } = await import(`${name}/chains`);
const { CalldataAddress, TransactionStatus } = await import(`${name}/types`);
const [, major, minor] = /^genlayer-js(?:-(\d+)\.(\d+))?$/.exec(name) ?? assert.fail(name);
/** Whether this version is at least 0.<wanted>; without a number it is the newest. */
const since = (wanted) => major === undefined || Number(minor) >= wanted;

const account = createAccount();
const client = createClient({ chain: localnet, endpoint, account });
const wait = (hash, status = TransactionStatus.ACCEPTED, full = true) =>
  client.waitForTransactionReceipt({ hash, status, interval: 50, retries: 1200, fullTransaction: full });
const receiptOf = (transaction) => transaction.consensus_data.leader_receipt[0];
const addressOf = (transaction) => transaction.data.contract_address;

async function deploy(source, args = [], more = {}) {
  const hash = await client.deployContract({ code: contract(source), args, ...more });
  const found = await wait(hash);
  assert.equal(receiptOf(found).execution_result, "SUCCESS", JSON.stringify(receiptOf(found)));
  return addressOf(found);
}

async function write(address, functionName, args = [], more = {}) {
  const hash = await client.writeContract({ address, functionName, args, value: 0n, ...more });
  return { hash, found: await wait(hash) };
}

const read = (address, functionName, args = [], more = {}) =>
  client.readContract({ address, functionName, args, ...more });

before(() => client.initializeConsensusSmartContract());

describe("a storage contract", () => {
  let address;
  before(async () => (address = await deploy("storage", ["initial"])));

  test("is deployed with its constructor's argument", async () => {
    assert.equal(await read(address, "get_storage"), "initial");
  });

  test("is written, accepted, and final after the window", async () => {
    const { hash, found } = await write(address, "update_storage", ["written"]);
    assert.ok(["ACCEPTED", "FINALIZED"].includes(found.statusName ?? found.status));
    assert.equal(await read(address, "get_storage"), "written");
    const final = await wait(hash, TransactionStatus.FINALIZED);
    assert.equal(final.statusName ?? final.status, "FINALIZED");
    assert.equal(receiptOf(final).genvm_result.stdout, "was initial\n");
    assert.equal(Object.keys(final.consensus_data.votes).length, 5);
  });

  test("is written by the leader alone", async () => {
    const { found } = await write(address, "update_storage", ["led"], { leaderOnly: true });
    assert.equal(found.leader_only, true);
    assert.equal(await read(address, "get_storage"), "led");
  });

  test("says why it refuses", async () => {
    const { found } = await write(address, "refuse", ["not today"]);
    assert.equal(receiptOf(found).execution_result, "ERROR");
    assert.equal(receiptOf(found).result.status, "rollback");
    assert.equal(receiptOf(found).result.payload, "not today");
  });

  test("has a receipt in its simplified form", async () => {
    const { hash } = await write(address, "update_storage", ["short"]);
    const simple = await wait(hash, TransactionStatus.ACCEPTED, false);
    assert.equal(simple.consensus_data.leader_receipt[0].execution_result, "SUCCESS");
    assert.equal(simple.consensus_history, undefined);
  });

  test("cannot be read by a method it does not have", async () => {
    await assert.rejects(read(address, "no_such_method"));
  });

  test("is not found where it is not", async () => {
    await assert.rejects(read("0x00000000000000000000000000000000000000aa", "get_storage"));
    const nowhere = { address: "0x00000000000000000000000000000000000000aa", functionName: "f" };
    await assert.rejects(client.writeContract({ ...nowhere, args: [], value: 0n }));
  });
});

describe("calldata", () => {
  const who = new CalldataAddress(Uint8Array.from({ length: 20 }, (_, index) => index + 1));
  const samples = [
    [null, "NoneType"], [true, "bool"], [false, "bool"], [0n, "int"], [15n, "int"], [16n, "int"],
    [1024n, "int"], [-1n, "int"], [-17n, "int"], [2n ** 64n - 1n, "int"], [-(2n ** 64n), "int"],
    [2n ** 256n - 1n, "int"], ["", "str"], ["hello é 🦀", "str"], ["y".repeat(200), "str"],
    [new Uint8Array(), "bytes"], [Uint8Array.of(0xde, 0xad), "bytes"], [who, "Address"],
    [[], "[]"], [[1n, [2n, [3n]]], "[int,[int,[int]]]"], [[null, true, "z"], "[NoneType,bool,str]"],
    [new Map(), "{}"], [new Map([["b", 2n], ["a", 1n]]), "{a:int,b:int}"],
    [Array.from({ length: 40 }, (_, index) => "long ".repeat(index)), `[${"str,".repeat(39)}str]`],
  ];
  const bytesOf = (value) => Buffer.from(abi.calldata.encode(value)).toString("hex");
  let address;
  before(async () => (address = await deploy("values")));

  for (const [value, type] of samples) {
    test(`takes ${type} and gives it back: ${bytesOf(value).slice(0, 24)}`, async () => {
      assert.equal(await read(address, "type_of", [value]), type);
      const raw = await read(address, "echo", [value], { rawReturn: true });
      assert.equal(raw, `0x${bytesOf(value)}`);
    });
  }

  test("goes through consensus as it goes through reads", async () => {
    const everything = samples.map(([value]) => value);
    const { found } = await write(address, "tell", [everything]);
    const { result, calldata } = receiptOf(found);
    assert.equal(result.status, "return");
    const canonical = abi.calldata.decode(abi.calldata.encode(everything));
    assert.equal(result.payload.readable, abi.calldata.toString(canonical));
    assert.ok(calldata.readable.includes("tell"));
  });

  test("carries named arguments", async () => {
    const kwargs = { third: "?" };
    assert.equal(await read(address, "join", ["a", "b"], { kwargs }), "ab?");
    const noted = await deploy("values", [7], { kwargs: { note: "kept" } });
    const kept = await read(noted, "kept", [], { jsonSafeReturn: false });
    assert.equal(kept.get("text"), "kept");
    assert.equal(kept.get("number"), 7n);
  });

  test("keeps what was written of each type", async () => {
    const values = ["text", 2n ** 200n, Uint8Array.of(1, 2, 3), who, true];
    await write(address, "keep", values);
    const kept = await read(address, "kept", [], { jsonSafeReturn: false });
    assert.equal(kept.get("number"), 2n ** 200n);
    assert.deepEqual([...kept.get("raw")], [1, 2, 3]);
    assert.deepEqual(kept.get("who").bytes, who.bytes);
    assert.equal(kept.get("flag"), true);
  });
});

describe("money", () => {
  let address;
  before(async () => {
    address = await deploy("purse");
    if (localnet.id === 61127) await client.fundAccount({ address: account.address, amount: 10 ** 18 });
    else await rpc("sim_fundAccount", account.address, 10 ** 18);
  });

  test("comes from the faucet", async () => {
    assert.ok((await client.getBalance({ address: account.address })) >= 10n ** 18n);
  });

  test("goes into a contract and is paid out when that is final", async () => {
    const before = await client.getBalance({ address: account.address });
    const { found } = await write(address, "give", [], { value: 1000n });
    assert.equal(receiptOf(found).execution_result, "SUCCESS");
    assert.equal(before - (await client.getBalance({ address: account.address })), 1000n);
    assert.equal(await client.getBalance({ address }), 1000n);
    assert.equal(Number(await read(address, "total")), 1000);
    const to = new CalldataAddress(Buffer.from("bb".repeat(20), "hex"));
    const earlier = await client.getBalance({ address: `0x${"bb".repeat(20)}` });
    const { hash } = await write(address, "pay_out", [to, 400n]);
    await wait(hash, TransactionStatus.FINALIZED);
    await eventually(
      "the payment arrives",
      () => client.getBalance({ address: `0x${"bb".repeat(20)}` }),
      (balance) => balance - earlier === 400n,
    );
    assert.equal(await client.getBalance({ address }), 600n);
  });
});

describe("what a contract is", () => {
  test("its schema, by address and by code", async () => {
    const address = await deploy("values", [1]);
    const schema = await client.getContractSchema(address);
    assert.deepEqual(schema.ctor, { params: [["start", "int"]], kwparams: { note: "string" } });
    assert.deepEqual(schema.methods.join.params, [["first", "string"], ["second", "string"]]);
    assert.deepEqual(schema.methods.join.kwparams, { third: "string" });
    assert.equal(schema.methods.join.readonly, true);
    assert.equal(schema.methods.keep.readonly, false);
    assert.equal(schema.methods.keep.payable, false);
    assert.deepEqual(
      schema.methods.keep.params.map(([, type]) => type),
      ["string", "int", "bytes", "address", "bool"],
    );
    assert.deepEqual(schema.methods.kept.ret, { $dict: "any" });
    assert.deepEqual(await client.getContractSchemaForCode(contract("values")), schema);
  });

  if (since(18)) test("its code", async () => {
    const address = await deploy("storage", ["code"]);
    assert.equal(await client.getContractCode(address), contract("storage"));
  });

  test("a payable method is marked", async () => {
    const schema = await client.getContractSchemaForCode(contract("purse"));
    assert.equal(schema.methods.give.payable, true);
  });
});

describe("beyond writing", () => {
  let address;
  before(async () => (address = await deploy("storage", ["base"])));

  if (since(18)) test("a simulated write changes nothing", async () => {
    const values = await deploy("values");
    const args = { address: values, functionName: "tell", args: ["simulated"] };
    assert.equal(await client.simulateWriteContract(args), "simulated");
    assert.notEqual((await read(values, "kept")).text, "str");
  });

  test("messages become transactions of their own", async () => {
    const target = new CalldataAddress(Buffer.from(address.slice(2), "hex"));
    const relay = await deploy("relay", [target]);
    const { hash, found } = await write(relay, "pass_on", ["passed on"]);
    const triggered = await eventually(
      "the message is sent",
      async () => (await client.getTransaction({ hash })).triggered_transactions,
      (hashes) => hashes.length === 1,
    );
    assert.equal(receiptOf(found).pending_transactions.length, 1);
    if (since(27)) assert.deepEqual(await client.getTriggeredTransactionIds({ hash }), triggered);
    const child = await wait(triggered[0]);
    assert.equal(child.from_address, relay);
    assert.equal(await read(address, "get_storage"), "passed on");
    assert.equal(await read(relay, "peek"), "passed on");
  });

  test("an accepted transaction is appealed", async (context) => {
    await setFinalityWindow(600);
    context.after(() => setFinalityWindow(1));
    const { hash } = await write(address, "update_storage", ["appealed"]);
    const returned = await client.appealTransaction({ txId: hash });
    // Versions up to 0.27 return what they find in the receipt's log: the same transaction.
    assert.equal(returned, hash);
    const appealed = await eventually(
      "the appeal is over",
      () => rpc("eth_getTransactionByHash", hash),
      ({ status, appealed, appeal_failed: failed }) => status === "ACCEPTED" && !appealed && failed === 1,
    );
    assert.ok(Object.keys(appealed.consensus_data.votes).length > 5);
    await setFinalityWindow(1);
    await wait(hash, TransactionStatus.FINALIZED);
  });

  if (since(27)) test("a waiting transaction is cancelled", async () => {
    const patience = await deploy("patience");
    const count = (steps) =>
      client.writeContract({ address: patience, functionName: "count", args: [steps], value: 0n });
    // One queue per contract: what comes second waits until the first is decided.
    const first = await count(5_000_000);
    const last = await count(1);
    const cancelled = await client.cancelTransaction({ hash: last });
    assert.deepEqual(cancelled, { transaction_hash: last, status: "CANCELED" });
    const found = await client.getTransaction({ hash: last });
    assert.equal(found.statusName, "CANCELED");
    const stranger = createClient({ chain: localnet, endpoint, account: createAccount() });
    await assert.rejects(stranger.cancelTransaction({ hash: first }));
  });

  if (since(27)) test("a transaction is traced", async () => {
    const { hash } = await write(address, "update_storage", ["traced"]);
    const trace = await client.debugTraceTransaction({ hash });
    assert.match(trace.stdout, /^was /);
  });

  if (since(28)) test("finalizing is asked for", async () => {
    const { hash } = await write(address, "update_storage", ["to be final"]);
    await wait(hash, TransactionStatus.FINALIZED);
    assert.match(await client.finalizeTransaction({ txId: hash }), /^0x[0-9a-f]{64}$/);
  });

  test("many are sent at once and each has its turn", async () => {
    const texts = Array.from({ length: 20 }, (_, index) => `turn ${index}`);
    const written = await Promise.all(texts.map((text) => write(address, "update_storage", [text])));
    const printed = written.map(({ found }) => receiptOf(found).genvm_result.stdout);
    // Each saw what another one had left, so no two ran on the same state.
    assert.equal(new Set(printed).size, texts.length);
    assert.ok(texts.includes(await read(address, "get_storage")));
  });

  test("an unknown transaction is not found", async () => {
    await assert.rejects(client.getTransaction({ hash: `0x${"ab".repeat(32)}` }));
  });
});
