/**
 * What a wallet was asked to sign, stored from before its window opens until the end of the transaction is known. A
 * wallet keeps its request when the page is reloaded or closed, so the request can be confirmed later; no tab may ask
 * for the same thing a second time meanwhile, because the second transaction would fail and cost its fee.
 */

import type { ChainConfig, Hex } from "../api/types";
import { lockNames } from "../locks";
import { keys, read, remove, write } from "../storage";
import { imageIdOf } from "./registry";
import type { PendingTransaction } from "./transaction-state";

const PREFIX = "scanproof.intent.";
/** An unanswered request does not outlive the browser; one that is older than this is taken to be gone. */
export const INTENT_KEPT_MS = 24 * 3600 * 1000;

export interface Intent extends Omit<PendingTransaction, "hash" | "submittedAt"> {
  /** The call, to be simulated again. */
  data: Hex;
  /** Null until the wallet answers. */
  hash: Hex | null;
  /** The wallet's own words where it failed in a way that leaves open whether it has sent the transaction. */
  failure: string | null;
  /** The name of the wallet. */
  wallet: string;
  /** In milliseconds. */
  askedAt: number;
}

type What = Pick<Intent, "chainId" | "contract" | "imageId" | "kind" | "diagnosisId">;
type Registry = Pick<ChainConfig, "id" | "contract">;

/** What can be written only once: the image id of a record, the diagnosis id of a review. */
const subjectOf = ({ kind, imageId, diagnosisId }: What): Hex => (kind === "review" && diagnosisId ? diagnosisId : imageId);

const keyFor = (subject: Hex, { id, contract }: Registry): string => `${PREFIX}${id}.${contract.toLowerCase()}.${subject.toLowerCase()}`;

const keyOf = (what: What): string => keyFor(subjectOf(what), { id: what.chainId, contract: what.contract });

/** `change` is dispatched after every change that this tab or, while it is watched, another one made. */
class Intents extends EventTarget {
  /** `subject` is the image id of a record, or the diagnosis id of a review. */
  find(subject: Hex, registry: Registry): Intent | null {
    return this.load(keyFor(subject, registry));
  }

  /** The intents to record this image, of any account. */
  ofImage(cid: string, registry: Registry): Intent[] {
    const all = keys(keyFor("0x", registry)).map((key) => this.load(key));
    return all.filter((intent) => intent !== null).filter((intent) => imageIdOf(intent.from, cid) === subjectOf(intent));
  }

  save(intent: Intent): void {
    write(keyOf(intent), intent);
    this.dispatchEvent(new Event("change"));
  }

  remove(intent: What): void {
    remove(keyOf(intent));
    this.dispatchEvent(new Event("change"));
  }

  /** Runs `ask` as the only tab that asks for this; null, without running it, when another tab does or did. */
  async ask<T>(intent: Intent, ask: () => Promise<T>): Promise<T | null> {
    return navigator.locks.request(keyOf(intent), { ifAvailable: true }, async (lock) => {
      if (!lock || this.load(keyOf(intent))) return null;
      this.save(intent);
      return ask();
    });
  }

  /** Whether a tab still waits for the wallet's answer; false after a reload. */
  async isAwaited(intent: Intent): Promise<boolean> {
    return (await lockNames()).includes(keyOf(intent));
  }

  /** Hears of changes in other tabs, until the returned function is called. */
  watch(listener: () => void): () => void {
    const stored = ({ key }: StorageEvent) => {
      if (key === null || key.startsWith(PREFIX)) listener();
    };
    this.addEventListener("change", listener);
    window.addEventListener("storage", stored);
    return () => {
      this.removeEventListener("change", listener);
      window.removeEventListener("storage", stored);
    };
  }

  private load(key: string): Intent | null {
    const intent = read(key) as Intent | null;
    if (!(intent instanceof Object) || typeof intent.askedAt !== "number") return null;
    if (Date.now() - intent.askedAt <= INTENT_KEPT_MS) return intent;
    remove(key);
    return null;
  }
}

export const intents = new Intents();

/** Forgets the intent of a transaction whose end is known now; a later one for the same subject stays. */
export function forget(transaction: PendingTransaction): void {
  const { chainId, contract, hash } = transaction;
  const intent = intents.find(subjectOf(transaction), { id: chainId, contract });
  if (intent?.hash === hash) intents.remove(intent);
}

/** What is followed from now on, once the transaction is known. */
export function transactionOf(intent: Intent, hash: Hex): PendingTransaction {
  const { from, nonce, chainId, contract, imageId, kind, manifestHash, reviewId, diagnosisId, askedAt } = intent;
  const review = kind === "review" ? { reviewId, diagnosisId } : {};
  return { hash, from, nonce, chainId, contract, imageId, kind, manifestHash, ...review, submittedAt: askedAt };
}
