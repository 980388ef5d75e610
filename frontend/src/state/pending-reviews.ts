/**
 * Reviews that are not published yet. They survive a reload, because until then only the browser has the text of the
 * reason: the chain has its hash.
 */

import type { Hex } from "../api/types";
import type { PendingTransaction } from "../chain/transaction-state";
import { keys, read, remove, write } from "../storage";

const PREFIX = "scanproof.review.";

export interface PendingReview {
  reviewId: Hex;
  diagnosisId: Hex;
  imageId: Hex;
  /** The reason of a sealed diagnosis is not published: its reviewer keeps it. */
  sealed: boolean;
  statement: string;
  /** Null from before the wallet is asked until it answers: whether it was sent is not known then. */
  transaction: PendingTransaction | null;
  /** In milliseconds. */
  savedAt: number;
}

export const savePendingReview = (review: PendingReview): void => write(PREFIX + review.reviewId, review);

export const removePendingReview = (reviewId: Hex): void => remove(PREFIX + reviewId);

/** Oldest first. */
export function pendingReviews(): PendingReview[] {
  const kept = keys(PREFIX).map((key) => read(key) as PendingReview | null);
  return kept.filter((review) => review !== null).sort((one, other) => one.savedAt - other.savedAt);
}

export const reasonOf = ({ statement }: PendingReview): string => (JSON.parse(statement) as { reason: string }).reason;

/** The file that holds the statement of a sealed diagnosis. */
export const statementFile = (reviewId: Hex): string => `scanproof-review-${reviewId.slice(2, 14)}.json`;
