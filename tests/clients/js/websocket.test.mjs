// The frames that the Studio's user interface exchanges on /ws.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { keccak256 } from "viem";
import WebSocket from "ws";
import { contract, eventually, rpc, setFinalityWindow, url } from "./support.mjs";
import { account, client, deploy, succeeded, write } from "./support_client.mjs";

/** A connection that remembers every frame. */
async function connect(path = "/ws") {
  const socket = new WebSocket(url.replace("http", "ws") + path);
  const frames = [];
  socket.on("message", (text) => frames.push(JSON.parse(text)));
  await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
  return {
    frames,
    say: (event, data) => socket.send(JSON.stringify({ event, data })),
    sayRaw: (text) => socket.send(text),
    hear: (what, isWanted, seconds = 30) =>
      eventually(what, () => frames.find(isWanted), (frame) => frame !== undefined, seconds),
    close: () => socket.close(),
  };
}

let socket, address;
before(async () => {
  address = await deploy("storage", ["watched"]);
  socket = await connect();
});
after(() => socket.close());

const isEvent = (event) => (frame) => frame.event === event;

test("a connection is greeted with its id", async () => {
  const { data } = await socket.hear("connect", isEvent("connect"));
  assert.equal(typeof data.id, "string");
  assert.equal(socket.frames[0].event, "connect");
});

test("ping is answered by pong", async () => {
  socket.say("ping", { timestamp: 1 });
  const { data } = await socket.hear("pong", isEvent("pong"));
  assert.ok("timestamp" in data);
});

test("rooms are joined and left, one or many", async () => {
  socket.say("subscribe", ["room one", "room two"]);
  socket.say("subscribe", "room three");
  for (const room of ["room one", "room two", "room three"]) {
    await socket.hear(room, ({ event, data }) => event === "subscribed" && data.room === room);
  }
  socket.say("unsubscribe", ["room two"]);
  await socket.hear("unsubscribed", ({ event, data }) => event === "unsubscribed" && data.room === "room two");
});

test("what is no JSON is answered, and the connection stays", async () => {
  socket.sayRaw("{");
  const { data } = await socket.hear("error", isEvent("error"));
  assert.equal(data, "Invalid JSON");
  const earlier = socket.frames.length;
  socket.say("ping", { timestamp: 2 });
  await socket.hear("another pong", (frame) => socket.frames.indexOf(frame) >= earlier && frame.event === "pong");
});

test("who follows a transaction hears each of its statuses", async () => {
  const code = contract("storage");
  const hash = await client.deployContract({ code, args: ["followed"] });
  socket.say("subscribe", [hash]);
  const isOf = (status) => ({ event, data }) =>
    event === "transaction_status_updated" && data.data.hash === hash && data.data.new_status === status;
  const { data } = await socket.hear("FINALIZED", isOf("FINALIZED"));
  assert.equal(data.name, "transaction_status_updated");
  assert.equal(data.transaction_hash, hash);
  for (const name of ["type", "scope", "message"]) assert.equal(typeof data[name], "string", name);
});

test("who follows nothing hears nothing of a transaction", async () => {
  const stranger = await connect();
  stranger.say("subscribe", [`0x${"ab".repeat(32)}`]);
  await stranger.hear("subscribed", isEvent("subscribed"));
  const { hash } = await write(address, "update_storage", ["unheard"]);
  socket.say("subscribe", [hash]);
  await rpc("eth_getTransactionByHash", hash);
  stranger.say("ping", { timestamp: 3 });
  await stranger.hear("pong", isEvent("pong"));
  const heard = stranger.frames.filter(({ event, data }) =>
    event === "transaction_status_updated" && data.data.hash === hash);
  assert.deepEqual(heard, []);
  stranger.close();
});

const isDeployed = (hash) => ({ event, data }) =>
  event === "deployed_contract" && data.transaction_hash === hash;

/** Deploys as a wallet that follows its transaction before it sends it. */
async function deployFollowed(source) {
  let hash;
  const signTransaction = async (...given) => {
    const raw = await account.signTransaction(...given);
    hash = keccak256(raw);
    socket.say("subscribe", [hash]);
    await socket.hear("subscribed", ({ event, data }) => event === "subscribed" && data.room === hash);
    return raw;
  };
  await client.deployContract({
    account: { ...account, signTransaction }, code: contract(source), args: ["followed"],
  });
  return hash;
}

test("who follows a deployment learns the contract's address", async () => {
  const hash = await deployFollowed("storage");
  const { data } = await socket.hear("deployed_contract", isDeployed(hash));
  const found = await rpc("eth_getTransactionByHash", hash);
  assert.equal(data.data.id, found.data.contract_address);
  assert.ok("state" in data.data.data);
  for (const status of ["PROPOSING", "COMMITTING", "REVEALING", "ACCEPTED"]) {
    await socket.hear(status, ({ event, data }) => event === "transaction_status_updated"
      && data.data.hash === hash && data.data.new_status === status);
  }
});

test("who follows it only afterwards, as the user interface does, learns it too", async () => {
  const hash = await client.deployContract({ code: contract("storage"), args: ["late"] });
  await succeeded(hash);
  socket.say("subscribe", [hash]);
  await socket.hear("deployed_contract", isDeployed(hash), 10);
});

test("everybody hears of a new window", async () => {
  await setFinalityWindow(3);
  await socket.hear("3 s", ({ event, data }) => event === "finality_window_time_updated" && data.data.time === 3);
  await setFinalityWindow(1);
});

test("everybody hears of an appeal", async () => {
  await setFinalityWindow(600);
  const { hash } = await write(address, "update_storage", ["appealed"]);
  await client.appealTransaction({ txId: hash });
  await socket.hear("the appeal", ({ event, data }) =>
    event === "transaction_appeal_updated" && data.data.hash === hash);
  await setFinalityWindow(1);
});

test("the older path speaks the same", async () => {
  const older = await connect("/socket.io/");
  await older.hear("connect", isEvent("connect"));
  older.close();
});
