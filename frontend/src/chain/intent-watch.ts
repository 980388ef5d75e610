/** What became of a request to the wallet whose answer this page did not hear. */

import type { ApiClient } from "../api/client";
import type { Hex, ImageRecord } from "../api/types";
import type { Wallet } from "./discovery";
import { toWalletError } from "./errors";
import { transactionOf, type Intent } from "./intents";
import { isSettled } from "./reverts";
import type { PendingTransaction } from "./transaction-state";
import { callOf } from "./transactions";

/**
 * `asking`: the chain shows nothing of it. `under-way`: the account has a transaction that waits for a block, which can
 * be this one. `found`: it is on the chain or handed to it. `superseded`: something else was written, so that it would
 * revert.
 */
export type Outcome =
  | { state: "asking" | "under-way" | "superseded" }
  | { state: "found"; transaction: PendingTransaction };

type Server = Pick<ApiClient, "records">;

/** `wallet` is null while there is none on the right chain: then the server alone is asked. Raises what the server raises. */
export async function lookUp(intent: Intent, server: Server, wallet: Wallet | null): Promise<Outcome> {
  if (intent.hash) return { state: "found", transaction: transactionOf(intent, intent.hash) };
  // Simulated first: what is written in between is then found by the server, and never taken for somebody else's.
  const superseded = wallet !== null && (await isSuperseded(intent, wallet));
  const { records } = await server.records({ q: intent.imageId }, null, 1);
  const record = records.find(({ imageId }) => imageId === intent.imageId);
  const hash = record ? hashIn(record, intent) : null;
  if (hash) return { state: "found", transaction: transactionOf(intent, hash) };
  if (superseded || (record && intent.kind === "both")) return { state: "superseded" };
  return { state: wallet !== null && (await isUnderWay(intent, wallet)) ? "under-way" : "asking" };
}

function hashIn(record: ImageRecord, { kind, manifestHash, reviewId }: Intent): Hex | null {
  if (kind === "image") return record.transaction.hash;
  if (kind !== "review") return record.diagnoses.find((diagnosis) => diagnosis.manifestHash === manifestHash)?.transaction.hash ?? null;
  const reviews = record.diagnoses.flatMap((diagnosis) => diagnosis.reviews);
  return reviews.find((review) => review.reviewId === reviewId)?.transaction.hash ?? null;
}

async function isSuperseded(intent: Intent, { provider }: Wallet): Promise<boolean> {
  try {
    await provider.request({ method: "eth_call", params: [callOf(intent), "latest"] });
    return false;
  } catch (error) {
    return isSettled(toWalletError(error).revert?.name ?? "");
  }
}

/** Whether a transaction of the account that came after the request waits for a block. No answer is no transaction. */
async function isUnderWay({ from, nonce }: Intent, { provider }: Wallet): Promise<boolean> {
  const count = async (block: string) =>
    Number(await provider.request({ method: "eth_getTransactionCount", params: [from, block] }));
  try {
    const [mined, pending] = await Promise.all([count("latest"), count("pending")]);
    return pending > mined && pending > nonce;
  } catch {
    return false;
  }
}
