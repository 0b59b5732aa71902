// The newest genlayer-js with an account of its own, for suites about something else.
import assert from "node:assert/strict";
import { createAccount, createClient } from "genlayer-js";
import { localnet } from "genlayer-js/chains";
import { contract, endpoint, transactionWith } from "./support.mjs";

export const account = createAccount();
export const client = createClient({ chain: localnet, endpoint, account });

/** Deploys one of the suites' contracts and returns where it is. */
export async function deploy(source, args = []) {
  const hash = await client.deployContract({ code: contract(source), args });
  return (await succeeded(hash)).data.contract_address;
}

/** Writes and returns the decided transaction. */
export async function write(address, functionName, args = [], value = 0n) {
  const hash = await client.writeContract({ address, functionName, args, value });
  return succeeded(hash);
}

/** The transaction, decided and without error. */
export async function succeeded(hash) {
  const found = await transactionWith(hash, "ACCEPTED", "FINALIZED");
  const receipt = found.consensus_data.leader_receipt[0];
  assert.equal(receipt.execution_result, "SUCCESS", JSON.stringify(receipt.genvm_result));
  return found;
}

export const read = (address, functionName, args = []) =>
  client.readContract({ address, functionName, args });
