import type { ApiClient } from "../api/client";
import { ApiProblem } from "../api/errors";
import { forget } from "./intents";
import { isFinal, reduceTracking, UNTRACKED, type PendingTransaction, type Tracked, type TrackingEvent } from "./transaction-state";

const FIRST_MS = 1000;
const LONGEST_MS = 8000;
const GROWTH = 1.4;
/** A record can be a moment behind the transaction that made it. */
const LOOK_UPS = 3;

export type Server = Pick<ApiClient, "transaction" | "record">;

/**
 * Follows a transaction through the server until its end is known; no wallet is needed, so that a reload can go on.
 * `onChange` gets every new state, and the transaction with its true nonce as soon as the server has seen it.
 */
export class Tracker {
  private tracked: Tracked = UNTRACKED;
  private stopped = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly server: Server,
    private transaction: PendingTransaction,
    private readonly onChange: (tracked: Tracked, transaction: PendingTransaction) => void,
  ) {}

  async run(): Promise<void> {
    let pause = FIRST_MS;
    while (!this.stopped && !isFinal(this.tracked)) {
      const before = this.tracked.state;
      await this.ask();
      if (this.tracked.state === "replaced") await this.lookUp();
      pause = this.tracked.state === before ? Math.min(pause * GROWTH, LONGEST_MS) : FIRST_MS;
      if (!isFinal(this.tracked)) await this.sleep(pause);
    }
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private async ask(): Promise<void> {
    const { hash, from, nonce } = this.transaction;
    try {
      const status = await this.server.transaction(hash, from, nonce);
      if (status.nonce !== null && status.state !== "unknown") this.transaction = { ...this.transaction, nonce: status.nonce };
      this.reduce({ type: "status", status, now: Date.now() });
    } catch {
      this.reduce({ type: "unanswered" });
    }
  }

  /** Another transaction used the nonce: a speed-up, which wrote the record, or a cancellation, which did not. */
  private async lookUp(): Promise<void> {
    for (let attempt = 0; attempt < LOOK_UPS && !this.stopped; attempt++) {
      if (attempt > 0) await this.sleep(FIRST_MS);
      try {
        if (await this.isRecorded()) {
          this.reduce({ type: "looked-up", recorded: true });
          return;
        }
      } catch {
        this.reduce({ type: "unanswered" });
        return;
      }
    }
    this.reduce({ type: "looked-up", recorded: false });
  }

  private async isRecorded(): Promise<boolean> {
    const { imageId, kind, manifestHash, reviewId } = this.transaction;
    try {
      const { diagnoses } = await this.server.record(imageId);
      if (kind === "review") return diagnoses.some(({ reviews }) => reviews.some((review) => review.reviewId === reviewId));
      return kind === "image" || diagnoses.some((diagnosis) => diagnosis.manifestHash === manifestHash);
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 404) return false;
      throw error;
    }
  }

  private sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => (this.timer = setTimeout(resolve, milliseconds)));
  }

  private reduce(event: TrackingEvent): void {
    this.tracked = reduceTracking(this.tracked, event);
    if (isFinal(this.tracked)) forget(this.transaction);
    if (!this.stopped) this.onChange(this.tracked, this.transaction);
  }
}
