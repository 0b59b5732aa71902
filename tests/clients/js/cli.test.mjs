// The genlayer command with nothing configured: it speaks to port 4000, where run.sh has put the
// network, because its validator commands speak to no other.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { contract, rpc, setFinalityWindow, url } from "./support.mjs";

assert.equal(new URL(url).port, "4000");
const program = join(
  dirname(createRequire(import.meta.url).resolve("genlayer/package.json")), "dist", "index.js");
const source = (name) => fileURLToPath(new URL(`../contracts/${name}.py`, import.meta.url));
const home = mkdtempSync(join(tmpdir(), "agora-cli-"));
const password = "correct horse";
const key = `0x${"11".repeat(32)}`;
const owner = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A";
const other = `0x${"cc".repeat(20)}`;

/** What the command asks for, and what is typed then. */
const answers = [[/Enter password to decrypt keystore:/, `${password}\n`], [/\(Y\/n\)/, "y\n"]];

/** Runs a command, answers its questions, and returns what it says, without colours. */
function run(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      cwd: home, env: { ...process.env, HOME: home, NO_COLOR: "1" },
    });
    const open = [...answers];
    let output = "";
    const hear = (text) => {
      output += text.toString().replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "");
      const asked = open.findIndex(([question]) => question.test(output));
      if (asked >= 0) child.stdin.write(open.splice(asked, 1)[0][1]);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.stdin.on("error", reject);
    child.on("error", reject);
    // Some of its answers only end the command once nothing more can be typed.
    child.on("exit", () => child.stdin.destroy());
    child.on("close", (code) => resolve({ code, output }));
  });
}

/** As `run`, and the command must succeed. */
async function genlayer(args) {
  const { code, output } = await run(args);
  assert.equal(code, 0, `genlayer ${args.join(" ")}\n${output}`);
  return output;
}

const found = (output, pattern) => pattern.exec(output)?.[1] ?? assert.fail(`${pattern} in\n${output}`);
const hashIn = (output) => found(output, /Transaction Hash'?:\s*'?(0x[0-9a-f]{64})/);

before(() => genlayer(["account", "import", "--name", "owner", "--private-key", key, "--password", password]));
after(() => rmSync(home, { recursive: true, force: true }));

describe("contracts", () => {
  let address, deployment;
  before(async () => {
    const output = await genlayer(["deploy", "--contract", source("storage"), "--args", "by the command"]);
    address = found(output, /Contract Address': '(0x[0-9a-fA-F]{40})'/);
    deployment = hashIn(output);
  });

  test("deploy and call", async () => {
    assert.match(await genlayer(["call", address, "get_storage"]), /by the command/);
  });

  test("write, receipt, its output and its trace", async () => {
    const hash = hashIn(await genlayer(["write", address, "update_storage", "--args", "written"]));
    assert.match(await genlayer(["call", address, "get_storage"]), /written/);
    const accepted = await genlayer(["receipt", hash, "--status", "ACCEPTED", "--stdout"]);
    assert.match(accepted, /was by the command/);
    assert.match(await genlayer(["trace", hash]), /was by the command/);
  });

  test("receipt waits for finality by default", async () => {
    const output = await genlayer(["receipt", deployment, "--interval", "100"]);
    assert.match(output, /status_name: 'FINALIZED'/);
  });

  test("schema and code", async () => {
    const schema = await genlayer(["schema", address]);
    assert.match(schema, /update_storage/);
    assert.match(schema, /readonly: true/);
    const code = await genlayer(["code", address]);
    assert.ok(code.includes(contract("storage").trim()), code);
  });

  test("arguments of every type", async () => {
    const output = await genlayer(["deploy", "--contract", source("values"), "--args", "3"]);
    const values = found(output, /Contract Address': '(0x[0-9a-fA-F]{40})'/);
    const types = [
      ["true", "bool"], ["null", "NoneType"], ["-7", "int"], ["0xff", "int"], ["word", "str"],
      ["b#dead", "bytes"], [other, "Address"], [`addr#${other.slice(2)}`, "Address"],
      ['[1, "two", [true]]', "\\[int,str,\\[bool\\]\\]"], ['{"b": 1, "a": "x"}', "\\{a:str,b:int\\}"],
    ];
    // The keystore is read at every call, so all of them at once take as long as a few.
    await Promise.all(types.map(async ([argument, type]) => {
      const said = await genlayer(["call", values, "type_of", "--args", argument]);
      assert.match(said, new RegExp(`Result:\\s+${type}\\s`), argument);
    }));
  });

  test("an error of the contract is shown", async () => {
    const { code, output } = await run(["call", address, "no_such_method"]);
    assert.equal(code, 1);
    assert.match(output, /Error during read operation/);
  });

  test("appeal", async () => {
    await setFinalityWindow(600);
    const hash = hashIn(await genlayer(["write", address, "update_storage", "--args", "appealed"]));
    const output = await genlayer(["appeal", hash]);
    assert.match(output, /Appeal successfully executed/);
    await setFinalityWindow(1);
  });

  test("deploy scripts", async () => {
    mkdirSync(join(home, "deploy"));
    writeFileSync(join(home, "deploy", "001_storage.js"), `
      import { readFileSync } from "node:fs";
      export default async function main(client) {
        const code = new Uint8Array(readFileSync(${JSON.stringify(source("storage"))}));
        const hash = await client.deployContract({ code, args: ["by a script"], leaderOnly: false });
        const receipt = await client.waitForTransactionReceipt({ hash, status: "ACCEPTED", interval: 100, retries: 300 });
        console.log("SCRIPT", receipt.data.contract_address);
      }`);
    const output = await genlayer(["deploy"]);
    const address = found(output, /SCRIPT (0x[0-9a-fA-F]{40})/);
    assert.match(await genlayer(["call", address, "get_storage"]), /by a script/);
  });
});

describe("accounts", () => {
  test("show and send", async () => {
    await rpc("sim_fundAccount", owner, 5e18);
    assert.match(await genlayer(["account", "show"]), /balance: '5 GEN'/);
    const output = await genlayer(["account", "send", other, "2gen", "--password", password]);
    assert.match(output, /Transfer successful/);
    assert.equal(BigInt(await rpc("eth_getBalance", other, "latest")), 2n * 10n ** 18n);
    assert.match(await genlayer(["account", "show"]), /balance: '3 GEN'/);
  });
});

describe("localnet validators", () => {
  const validators = (...args) => genlayer(["localnet", "validators", ...args]);
  const count = async () => Number(found(await validators("count"), /Total Validators: (\d+)/));

  test("count and get", async () => {
    assert.equal(await count(), (await rpc("sim_getAllValidators")).length);
    const [{ address }] = await rpc("sim_getAllValidators");
    assert.ok((await validators("get")).includes(address));
    assert.ok((await validators("get", "--address", address)).includes(`address: '${address}'`));
  });

  test("create, update and delete", async () => {
    const [offer] = (await rpc("sim_getProvidersAndModels"))
      .filter((one) => one.is_available && one.is_model_available);
    const made = await validators("create", "--stake", "3", "--provider", offer.provider, "--model", offer.model);
    const address = /successfully created/.test(made) && found(made, /address: '(0x[0-9a-fA-F]{40})'/);
    assert.equal((await rpc("sim_getValidator", address)).stake, 3);
    assert.match(await validators("update", address, "--stake", "7"), /successfully updated/);
    assert.equal((await rpc("sim_getValidator", address)).stake, 7);
    const earlier = await count();
    assert.ok((await validators("delete", "--address", address)).includes(`Deleted Address: ${address}`));
    assert.equal(await count(), earlier - 1);
  });

  test("delete all, and create at random", async () => {
    assert.match(await validators("delete"), /Successfully deleted all validators/);
    assert.equal(await count(), 0);
    assert.match(await validators("create-random", "--count", "5"), /successfully created/);
    assert.equal(await count(), 5);
    await genlayer(["deploy", "--contract", source("storage"), "--args", "by the new ones"]);
  });
});
