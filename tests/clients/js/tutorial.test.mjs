// The documentation's first steps, with the URL changed and nothing else: no polling settings.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createAccount, createClient } from "genlayer-js";
import { localnet } from "genlayer-js/chains";
import { TransactionStatus } from "genlayer-js/types";
import { contract, endpoint } from "./support.mjs";

test("create an account, fund it, deploy, write, read", async () => {
  const account = createAccount();
  const client = createClient({ chain: localnet, endpoint, account });
  await client.fundAccount({ address: account.address, amount: 1000 });

  const deployment = await client.deployContract({
    code: contract("storage"),
    args: ["first"],
    leaderOnly: false,
  });
  const receipt = await client.waitForTransactionReceipt({
    hash: deployment,
    status: TransactionStatus.ACCEPTED,
  });
  const address = receipt.data.contract_address;

  const written = await client.writeContract({
    address,
    functionName: "update_storage",
    args: ["second"],
    value: 0n,
  });
  const final = await client.waitForTransactionReceipt({
    hash: written,
    status: TransactionStatus.FINALIZED,
  });
  assert.equal(final.status_name, "FINALIZED");
  const result = await client.readContract({ address, functionName: "get_storage", args: [] });
  assert.equal(result, "second");
});
