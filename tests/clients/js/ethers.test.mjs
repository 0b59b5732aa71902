// ethers 6 with its defaults, which send batches.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { JsonRpcProvider, Network, Wallet, formatEther, parseEther } from "ethers";
import { endpoint, eventually, rpc } from "./support.mjs";
import { deploy } from "./support_client.mjs";

const provider = new JsonRpcProvider(endpoint, undefined, { pollingInterval: 50 });
const wallet = Wallet.createRandom(provider);
const other = Wallet.createRandom().address;

before(() => rpc("sim_fundAccount", wallet.address, 10 ** 19));
after(() => provider.destroy());

describe("the chain", () => {
  test("is found by its id", async () => {
    assert.equal((await provider.getNetwork()).chainId, 61127n);
    assert.equal(Network.from(61127).chainId, 61127n);
  });

  test("has blocks that grow", async () => {
    const number = await provider.getBlockNumber();
    const block = await provider.getBlock("latest");
    assert.ok(block.number >= number);
    assert.ok(block.timestamp > 1_700_000_000);
    assert.equal((await provider.getBlock(block.hash)).hash, block.hash);
  });

  test("costs nothing", async () => {
    const fees = await provider.getFeeData();
    assert.equal(fees.gasPrice, 0n);
    assert.equal(fees.maxPriorityFeePerGas ?? 0n, 0n);
  });

  test("tells accounts from contracts", async () => {
    assert.equal(await provider.getCode(other), "0x");
    const address = await deploy("storage", ["code"]);
    assert.equal(typeof (await provider.getCode(address)), "string");
    assert.equal(await provider.getBalance(address), 0n);
  });
});

describe("a wallet", () => {
  const sent = [];
  const pay = async (fields) => {
    const before = await provider.getBalance(other);
    const response = await wallet.sendTransaction({ to: other, value: parseEther("0.25"), ...fields });
    const receipt = await response.wait(1, 30_000);
    sent.push(response.hash);
    assert.equal(receipt.status, 1);
    assert.equal(receipt.hash, response.hash);
    assert.equal(receipt.from, wallet.address);
    await eventually("the money arrives", () => provider.getBalance(other),
      (balance) => balance - before === parseEther("0.25"));
    return receipt;
  };

  test("pays as it likes", () => pay({}));
  test("pays by a legacy transaction", async () => assert.equal((await pay({ type: 0 })).type, 0));
  test("pays by an EIP-2930 transaction", () => pay({ type: 1 }));
  test("pays by an EIP-1559 transaction", () =>
    pay({ type: 2, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n }));

  test("has paid exactly that", async () => {
    assert.equal(formatEther(await provider.getBalance(wallet.address)), "9.0");
    assert.equal(await wallet.getNonce("latest"), sent.length);
    assert.equal(await wallet.getNonce("pending"), sent.length);
    assert.equal(new Set(sent).size, 4);
  });

  test("finds its payment in a block", async () => {
    const receipt = await provider.getTransactionReceipt(sent[0]);
    const block = await provider.getBlock(receipt.blockNumber);
    assert.equal(block.hash, receipt.blockHash);
    assert.ok(block.transactions.includes(sent[0]));
  });

  test("estimates", async () => {
    assert.ok((await wallet.estimateGas({ to: other, value: 1n })) > 0n);
  });

  test("waits for what comes from elsewhere", async () => {
    const next = new Promise((resolve) => provider.once("block", resolve));
    await pay({});
    assert.ok(Number.isInteger(await next));
  });

  test("is told why a transaction is refused", async () => {
    const to = "0xb7278A61aa25c888815aFC32Ad3cC52fF24fE575";
    await assert.rejects(wallet.sendTransaction({ to, data: "0x12345678", gasLimit: 500_000n }));
  });
});
