/** A submitted transaction, and what became of it, as a pure state machine over the server's answers. */

import type { ChainConfig, Hex, TransactionStatus } from "../api/types";
import type { Scope } from "./registry";

/**
 * A transaction that was handed to the chain; kept until its end is known. `nonce` is the next one of the account when
 * it was sent (people can set their own in the wallet) until the server has seen the transaction. `submittedAt` in
 * milliseconds.
 */
export interface PendingTransaction {
  hash: Hex;
  from: Hex;
  nonce: number;
  chainId: number;
  contract: Hex;
  imageId: Hex;
  kind: Scope | "review";
  manifestHash: Hex | null;
  /** Of a review only; the next too. */
  reviewId?: Hex;
  diagnosisId?: Hex;
  submittedAt: number;
}

/** Whether it was sent to a chain or a contract that the server no longer uses: then the server cannot tell its end. */
export function isElsewhere({ chainId, contract }: PendingTransaction, chain: ChainConfig): boolean {
  return chainId !== chain.id || contract.toLowerCase() !== chain.contract.toLowerCase();
}

/** How long a transaction may be unknown to the node before it counts as dropped. */
export const DROPPED_AFTER_MS = 90_000;

/**
 * `replaced`: another transaction has used its nonce, and whether that one wrote the record is being looked up;
 * the answer is `recorded` or `cancelled`.
 */
export type TrackedState =
  | "pending"
  | "unknown"
  | "dropped"
  | "mined"
  | "confirmed"
  | "failed"
  | "replaced"
  | "recorded"
  | "cancelled";

export const HEADLINES: Record<TrackedState, string> = {
  pending: "Waiting for a block",
  unknown: "Looking for the transaction",
  dropped: "Not found",
  mined: "In a block, waiting for confirmations",
  confirmed: "Transaction confirmed",
  failed: "Failed",
  replaced: "Replaced, looking for the record",
  recorded: "Replaced by another transaction that wrote the same record",
  cancelled: "Cancelled",
};

export interface Tracked {
  state: TrackedState;
  status: TransactionStatus | null;
  unknownSince: number | null;
  /** Whether the last question to the server went unanswered. */
  unreachable: boolean;
}

export type TrackingEvent =
  | { type: "status"; status: TransactionStatus; now: number }
  | { type: "unanswered" }
  | { type: "looked-up"; recorded: boolean };

export const UNTRACKED: Tracked = { state: "pending", status: null, unknownSince: null, unreachable: false };

const FINAL: readonly TrackedState[] = ["confirmed", "failed", "recorded", "cancelled"];
/** Whether the record is on the chain for good. */
export const isRecorded = (state: TrackedState): boolean => state === "confirmed" || state === "recorded";
export const isFinal = ({ state }: Tracked): boolean => FINAL.includes(state);

export function reduceTracking(tracked: Tracked, event: TrackingEvent): Tracked {
  if (isFinal(tracked)) return tracked;
  switch (event.type) {
    case "unanswered":
      return { ...tracked, unreachable: true };
    case "looked-up":
      return { ...tracked, unreachable: false, state: event.recorded ? "recorded" : "cancelled" };
    case "status": {
      const { status, now } = event;
      const seen = { status, unreachable: false, unknownSince: null };
      if (status.state !== "unknown") return { ...seen, state: status.state };
      const unknownSince = tracked.unknownSince ?? now;
      return { ...seen, unknownSince, state: now - unknownSince >= DROPPED_AFTER_MS ? "dropped" : "unknown" };
    }
  }
}
