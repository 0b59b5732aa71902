// viem as a wallet uses it, and genlayer-js on top of such a wallet.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { createPublicClient, createWalletClient, defineChain, http, parseEther } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { createClient } from "genlayer-js";
import { localnet } from "genlayer-js/chains";
import { contract, endpoint, eventually, rpc, transactionWith } from "./support.mjs";
import { account as deployer, deploy, write } from "./support_client.mjs";

const chain = defineChain({
  id: 61127,
  name: "localnet",
  nativeCurrency: { name: "GEN", symbol: "GEN", decimals: 18 },
  rpcUrls: { default: { http: [endpoint] } },
});
const transport = http(endpoint);
const open = createPublicClient({ chain, transport, pollingInterval: 50 });
const account = privateKeyToAccount(generatePrivateKey());
const wallet = createWalletClient({ account, chain, transport });
const other = privateKeyToAccount(generatePrivateKey()).address;
const balance = (address) => open.getBalance({ address });

before(() => rpc("sim_fundAccount", account.address, 10 ** 19));

describe("the chain", () => {
  test("answers what wallets ask", async () => {
    assert.equal(await open.getChainId(), 61127);
    assert.equal(await open.getGasPrice(), 0n);
    assert.equal(await open.estimateMaxPriorityFeePerGas(), 0n);
    assert.ok((await open.getBlockNumber()) >= 0n);
    assert.equal(await open.request({ method: "eth_syncing" }), false);
    assert.equal(await open.request({ method: "net_version" }), "61127");
  });

  test("has a history of fees", async () => {
    const history = await open.getFeeHistory({ blockCount: 2, rewardPercentiles: [25, 75] });
    assert.ok(history.baseFeePerGas.every((fee) => fee === 0n));
    assert.ok(history.baseFeePerGas.length >= 1);
    for (const reward of history.reward ?? []) assert.deepEqual(reward, [0n, 0n]);
  });

  test("has blocks with transactions in them", async () => {
    const address = await deploy("storage", ["block"]);
    const { hash } = await write(address, "update_storage", ["in a block"]);
    const receipt = await open.getTransactionReceipt({ hash });
    const block = await open.getBlock({ blockNumber: receipt.blockNumber });
    assert.ok(block.transactions.includes(hash));
    assert.equal((await open.getBlock({ blockHash: block.hash })).number, block.number);
    assert.equal((await open.getBlock()).baseFeePerGas, 0n);
  });

  test("knows code and none", async () => {
    assert.equal(await open.getCode({ address: other }), undefined);
  });
});

describe("a wallet", () => {
  const pay = async (fields) => {
    const before = await balance(other);
    const hash = await wallet.sendTransaction({ to: other, value: parseEther("0.5"), ...fields });
    const receipt = await open.waitForTransactionReceipt({ hash, timeout: 30_000 });
    assert.equal(receipt.status, "success");
    assert.equal(receipt.transactionHash, hash);
    await eventually("the money arrives", () => balance(other), (now) => now - before === parseEther("0.5"));
    return receipt;
  };

  test("pays as it likes, which is EIP-1559", async () => assert.equal((await pay({})).type, "eip1559"));
  test("pays by a legacy transaction", async () => assert.equal((await pay({ type: "legacy" })).type, "legacy"));
  test("pays by an EIP-2930 transaction", () => pay({ type: "eip2930", gasPrice: 0n, accessList: [] }));

  test("has paid exactly that", async () => {
    assert.equal(await balance(account.address), parseEther("8.5"));
    assert.equal(await open.getTransactionCount({ address: account.address }), 3);
  });

  test("signs whichever chain it believes in", async () => {
    const serialized = await account.signTransaction({
      to: other, value: 1n, nonce: 3, gas: 21_000n, gasPrice: 0n, type: "legacy", chainId: 61999,
    });
    const hash = await open.sendRawTransaction({ serializedTransaction: serialized });
    assert.equal(await open.sendRawTransaction({ serializedTransaction: serialized }), hash);
    await transactionWith(hash, "FINALIZED");
  });

  test("listens to events", async () => {
    const logs = [];
    const event = { type: "event", name: "NewTransaction", inputs: [
      { name: "txId", type: "bytes32", indexed: true },
      { name: "recipient", type: "address", indexed: true },
      { name: "activator", type: "address", indexed: true },
    ] };
    const heard = new Promise((resolve) => {
      const stop = open.watchEvent({
        event, args: { activator: deployer.address }, poll: true, pollingInterval: 50,
        onLogs: (found) => { logs.push(...found); stop(); resolve(); },
      });
    });
    // The watch begins with its first poll, so something must happen after that.
    const address = await deploy("storage", ["0"]);
    let count = 0;
    while (logs.length === 0 && count < 100) {
      await write(address, "update_storage", [`${(count += 1)}`]);
    }
    assert.ok(logs.length > 0, "a hundred transactions and not one event");
    await heard;
    assert.equal(logs[0].args.activator, deployer.address);
  });
});

describe("genlayer-js with a browser's wallet", () => {
  /** Signs as MetaMask does: asked through EIP-1193, with what the client put together. */
  const asked = [];
  const provider = {
    async request({ method, params }) {
      asked.push(method);
      if (method === "personal_sign") return account.signMessage({ message: { raw: params[0] } });
      if (method !== "eth_sendTransaction") return rpc(method, ...(params ?? []));
      const [{ to, data, value, gas, nonce, chainId }] = params;
      const serialized = await account.signTransaction({
        type: "legacy", to, data, chainId: chainId ? Number(chainId) : 61127, gasPrice: 0n,
        value: BigInt(value ?? 0), gas: BigInt(gas ?? 500_000),
        nonce: nonce === undefined ? Number(await rpc("eth_getTransactionCount", account.address, "pending")) : Number(nonce),
      });
      return rpc("eth_sendRawTransaction", serialized);
    },
  };
  const client = createClient({ chain: localnet, endpoint, account: account.address, provider });

  test("deploys, writes and appeals through it", async () => {
    const deployment = await client.deployContract({ code: contract("storage"), args: ["by wallet"] });
    const { data } = await transactionWith(deployment, "ACCEPTED", "FINALIZED");
    const args = { address: data.contract_address, functionName: "update_storage", args: ["again"] };
    const written = await client.writeContract({ ...args, value: 0n });
    const found = await transactionWith(written, "ACCEPTED", "FINALIZED");
    assert.equal(found.from_address, account.address);
    const read = { address: data.contract_address, functionName: "get_storage", args: [] };
    assert.equal(await client.readContract(read), "again");
    assert.deepEqual(asked.filter((method) => method.startsWith("eth_send")).length, 2);
  });

  test("signs a cancellation with personal_sign", async () => {
    globalThis.window = { ethereum: provider };
    try {
      const address = await deploy("patience");
      const count = (steps) =>
        client.writeContract({ address, functionName: "count", args: [steps], value: 0n });
      await count(5_000_000);
      const hash = await count(1);
      assert.deepEqual(await client.cancelTransaction({ hash }), { transaction_hash: hash, status: "CANCELED" });
      assert.ok(asked.includes("personal_sign"));
    } finally {
      delete globalThis.window;
    }
  });
});
