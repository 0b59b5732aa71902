// What the JavaScript suites share: where the network is, plain JSON-RPC, and waiting.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

/** Where `run.sh` has started the network. */
export const url = process.env.AGORA_URL;
assert.ok(url, "AGORA_URL says where the network is; tests/clients/run.sh sets it");
export const endpoint = `${url}/api`;

const folder = new URL("..", import.meta.url);

/** The source of one of the suites' contracts. */
export const contract = (name) => readFileSync(new URL(`contracts/${name}.py`, folder), "utf8");

/** A file of data/, parsed. */
export const data = (name) => JSON.parse(readFileSync(new URL(`data/${name}.json`, folder), "utf8"));

/** Posts a body as it is and returns the HTTP status and the parsed answer. */
export async function post(body) {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}

/** The answer to one request, error or not. */
export async function answer(method, params) {
  const { body } = await post({ jsonrpc: "2.0", id: 1, method, params });
  return body;
}

/** The result of one request that must succeed. */
export async function rpc(method, ...params) {
  const { result, error } = await answer(method, params);
  assert.equal(error, undefined, `${method}: ${JSON.stringify(error)}`);
  return result;
}

/** Asks until the answer is what is wanted, or fails with the last one when time is over. */
export async function eventually(what, ask, isWanted, seconds = 60) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const last = await ask();
    if (isWanted(last)) return last;
    assert.ok(Date.now() < deadline, `${what}: after ${seconds} s still ${show(last)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** JSON of anything, integers included. */
export const show = (value) =>
  JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}` : part));

const decided = new Set([
  "ACCEPTED", "FINALIZED", "UNDETERMINED", "LEADER_TIMEOUT", "VALIDATORS_TIMEOUT", "CANCELED",
]);

/** The transaction, once it has one of the statuses. */
export const transactionWith = (hash, ...statuses) =>
  eventually(
    `${hash} becomes ${statuses}`,
    () => rpc("eth_getTransactionByHash", hash),
    (found) => {
      const isStuck = decided.has(found.status) && !statuses.includes("FINALIZED");
      assert.ok(!isStuck || statuses.includes(found.status), `${hash} is ${found.status}`);
      return statuses.includes(found.status);
    },
  );

/** Sets how long decisions can be appealed from now on. */
export const setFinalityWindow = (seconds) => rpc("sim_setFinalityWindowTime", seconds);

export const hexOf = (base64) => `0x${Buffer.from(base64, "base64").toString("hex")}`;
