// JSON-RPC over a WebSocket, as viem's and ethers' own transports speak it: answers and subscriptions.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { WebSocketProvider } from "ethers";
import { createPublicClient, parseAbiItem, webSocket } from "viem";
import { eventually, url } from "./support.mjs";
import { account, deploy, write } from "./support_client.mjs";

const address = `${url.replace("http", "ws")}/ws`;
const newTransaction = parseAbiItem(
  "event NewTransaction(bytes32 indexed txId, address indexed recipient, address indexed activator)");

let contract;
before(async () => (contract = await deploy("storage", ["subscribed"])));
const change = () => write(contract, "update_storage", [`${Math.random()}`]);

describe("viem", () => {
  const transport = webSocket(address, { reconnect: false });
  const client = createPublicClient({ transport });
  after(async () => (await client.transport.getRpcClient()).close());

  test("asks", async () => {
    assert.equal(await client.getChainId(), 61127);
    await assert.rejects(client.request({ method: "no_such_method" }));
  });

  test("hears of blocks and events", async () => {
    const numbers = [], logs = [];
    const stop = [
      client.watchBlockNumber({ onBlockNumber: (number) => numbers.push(number) }),
      client.watchEvent({
        event: newTransaction, args: { activator: account.address },
        onLogs: (found) => logs.push(...found),
      }),
    ];
    // Both subscriptions are made once an answer that was asked for after them is there.
    await client.getChainId();
    const { hash } = await change();
    await eventually("a block", () => numbers.length, (count) => count > 0);
    await eventually("its log", () => logs, (found) => found.some(({ args }) => args.txId === hash));
    stop.forEach((end) => end());
  });
});

describe("ethers", () => {
  const provider = new WebSocketProvider(address);
  after(() => provider.destroy());

  test("asks", async () => {
    assert.equal((await provider.getNetwork()).chainId, 61127n);
    assert.equal(await provider.getBalance(contract), 0n);
  });

  test("hears of blocks and events", async () => {
    const numbers = [], logs = [];
    await provider.on("block", (number) => numbers.push(number));
    await provider.on({ address: contract }, (log) => logs.push(log));
    await provider.getBlockNumber();
    const { hash } = await change();
    await eventually("a block", () => numbers.length, (count) => count > 0);
    await eventually("its log", () => logs, (found) => found.some(({ topics }) => topics[1] === hash));
  });
});
