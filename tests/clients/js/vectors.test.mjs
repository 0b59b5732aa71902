// Transactions and calls as real clients once sent them, byte for byte.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Transaction, Wallet } from "ethers";
import { answer, data, hexOf, rpc, transactionWith } from "./support.mjs";
import { deploy } from "./support_client.mjs";

const vectors = data("vectors");
const key = vectors.cancel_signature.pk;
const wallet = new Wallet(key);
const balanceOf = async (address) => BigInt(await rpc("eth_getBalance", address, "latest"));
const bare = (address) => address.slice(2).toLowerCase();
const send = (vector, raw = vector.raw) =>
  rpc("eth_sendRawTransaction", raw, ...(vector.sim_config ?? []));

/** The vector, signed anew for a contract that exists instead of the one it was made for. */
function redirected(vector, to) {
  const { type, nonce, gasPrice, gasLimit, to: consensus, value, chainId, data } =
    Transaction.from(vector.raw);
  const changed = data.replaceAll(bare(vectors.contract), bare(to));
  return wallet.signTransaction(
    { type, nonce, gasPrice, gasLimit, to: consensus, value, chainId, data: changed },
  );
}

async function checkDeploy(vector) {
  assert.equal(await send(vector), vector.hash);
  const found = await transactionWith(vector.hash, "ACCEPTED", "FINALIZED");
  assert.equal(found.hash, vector.hash);
  assert.equal(found.from_address, vector.from);
  assert.equal(hexOf(found.data.contract_code), vector.code);
  assert.equal(hexOf(found.data.calldata), vector.calldata);
  assert.equal(found.leader_only, vector.leader_only);
  assert.equal(found.type, 1);
  assert.equal(found.config_rotation_rounds, vector.rotations);
  assert.match(found.data.contract_address, /^0x[0-9a-fA-F]{40}$/);
}

async function checkCall(vector, deployed) {
  const missing = await answer("eth_sendRawTransaction", [vector.raw, ...(vector.sim_config ?? [])]);
  assert.equal(missing.error?.code, -32001, JSON.stringify(missing));
  assert.match(missing.error.message, /contract/i);
  const raw = await redirected(vector, deployed);
  const hash = await send(vector, raw);
  assert.equal(hash, Transaction.from(raw).hash);
  const found = await transactionWith(hash, "ACCEPTED", "FINALIZED");
  assert.equal(found.from_address, vector.from);
  assert.equal(found.to_address, deployed);
  assert.equal(hexOf(found.data.calldata), vector.calldata);
  assert.equal(found.leader_only, vector.leader_only);
  assert.equal(found.type, 2);
  assert.equal(found.consensus_data.leader_receipt[0].execution_result, "SUCCESS");
  const paid = vector.name === "rc.write.fees" ? 1000n : BigInt(vector.value);
  assert.equal(BigInt(found.value), paid);
}

async function checkTransfer(vector) {
  const known = (await answer("eth_getTransactionByHash", [vector.hash])).result !== undefined;
  const earlier = await balanceOf(vector.to);
  assert.equal(await send(vector), vector.hash);
  const found = await transactionWith(vector.hash, "FINALIZED");
  assert.equal(found.from_address, vector.from);
  assert.equal(found.to_address, vector.to);
  assert.equal(found.type, 0);
  const gained = (await balanceOf(vector.to)) - earlier;
  assert.equal(gained, known ? 0n : BigInt(vector.value), "the same bytes pay once");
}

async function checkAppeal(vector) {
  const { error } = await answer("eth_sendRawTransaction", [vector.raw]);
  assert.equal(error?.code, -32001, "the transaction it appeals does not exist");
}

const checks = {
  deploy: checkDeploy, call: checkCall, transfer: checkTransfer, appeal: checkAppeal,
};

let deployed;
before(async () => {
  await rpc("sim_fundAccount", wallet.address, 10 ** 19);
  deployed = await deploy("vector");
});


for (const vector of vectors.transactions) {
  test(`${vector.name} of ${vector.client}`, () => checks[vector.kind](vector, deployed));
}

for (const vector of vectors.calls) {
  test(`${vector.name} of ${vector.client}`, async () => {
    const params = vector.params.map((param) => ({ ...param, to: deployed }));
    const result = await rpc(vector.method, ...params);
    if (vector.method === "sim_call") {
      assert.equal(result.execution_result, "SUCCESS");
      assert.equal(result.result, "AAA=");
    } else {
      assert.equal(result, vector.returned === "hello" && hasArgument(vector) ? "2c68656c6c6f" : "00");
    }
  });
}

const hasArgument = (vector) => vector.calldata.includes("0c78");

test("every transaction is found under its hash by its sender", async () => {
  const listed = await rpc("sim_getTransactionsForAddress", wallet.address);
  const hashes = new Set(listed.map(({ hash }) => hash));
  for (const { hash, kind } of vectors.transactions) {
    if (kind === "deploy" || kind === "transfer") assert.ok(hashes.has(hash), hash);
  }
});
