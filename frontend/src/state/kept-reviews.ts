/**
 * Reviews on their way, kept over reloads: the words of a reason are nowhere else until they are published, as the chain
 * has their hash only.
 */

import type { Hex } from "../api/types";
import type { PendingTransaction } from "../chain/transactions";
import { keys, read, remove, write } from "./storage";

const PREFIX = "scanproof.review.";

export interface KeptReview {
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

export const keepReview = (review: KeptReview): void => write(PREFIX + review.reviewId, review);

export const forgetReview = (reviewId: Hex): void => remove(PREFIX + reviewId);

/** Oldest first. */
export function keptReviews(): KeptReview[] {
  const kept = keys(PREFIX).map((key) => read(key) as KeptReview | null);
  return kept.filter((review) => review !== null).sort((one, other) => one.savedAt - other.savedAt);
}

export const reasonOf = ({ statement }: KeptReview): string => (JSON.parse(statement) as { reason: string }).reason;

/** The file that holds the statement of a sealed diagnosis. */
export const statementFile = (reviewId: Hex): string => `scanproof-review-${reviewId.slice(2, 14)}.json`;
