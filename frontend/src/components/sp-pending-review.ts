import { LitElement, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { announce } from "../accessibility";
import { api } from "../api/client";
import type { Config } from "../api/types";
import type { Intent } from "../chain/intents";
import type { PendingTransaction } from "../chain/transaction-state";
import { download } from "../download";
import { short } from "../format";
import { removePendingReview, savePendingReview, statementFile, type PendingReview } from "../state/pending-reviews";
import { describe, type Problem } from "../state/problems";
import { shared } from "../styles/shared";
import { IntentController } from "./intent-controller";
import "./sp-notice";
import "./sp-open-request";
import "./sp-transaction";

const FIRST_RETRY_MS = 2000;
const LONGEST_RETRY_MS = 60_000;

type Phase = "looking" | "unsent" | "mining" | "publishing" | "done";

/**
 * A review from signing until its reason is published; publishing is retried until it succeeds. Events: `recorded`
 * when it is on the chain, `removed` when this browser no longer keeps it.
 */
@customElement("sp-pending-review")
export class PendingReviewPanel extends LitElement {
  static override styles = shared;

  @property({ attribute: false }) review!: PendingReview;
  @property({ attribute: false }) config!: Config;
  @state() private phase: Phase = "looking";
  @state() private problem: Problem | null = null;
  private readonly intents = new IntentController(this);
  private retry = 0;
  private pause = FIRST_RETRY_MS;

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.phase === "looking" && this.review.transaction) this.phase = "mining";
    else if (this.phase === "looking") void this.look();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.clearTimeout(this.retry);
  }

  /** The request to the wallet that this review was signed with, while its answer is not known. */
  private get openRequest(): Intent | null {
    const { diagnosisId, reviewId } = this.review;
    if (this.phase !== "looking" && this.phase !== "unsent") return null;
    const intent = this.intents.find(diagnosisId, this.config.chain);
    return intent?.reviewId === reviewId ? intent : null;
  }

  protected override render() {
    const { imageId } = this.review;
    return html`<article class="panel stack" data-testid="pending-review" data-phase=${this.openRequest ? "asking" : this.phase}>
      <h3>Your review of <a href="/records/${imageId}"><code>${short(imageId)}</code></a></h3>
      ${this.openRequest ? this.asking(this.openRequest) : this.body()}
    </article>`;
  }

  private asking(intent: Intent) {
    return html`<sp-open-request .intent=${intent} .chain=${this.config.chain} @found=${this.found}></sp-open-request>`;
  }

  private body() {
    switch (this.phase) {
      case "looking":
        return html`<p class="busy" role="status"><span class="spinner"></span>Checking whether it is on the chain …</p>
          ${this.problem ? html`<sp-notice .problem=${this.problem}></sp-notice>` : nothing}`;
      case "unsent":
        return html`<sp-notice .problem=${UNSENT}>
          <button class="button primary" type="button" @click=${() => void this.look()}>Look again</button>
          <button class="button" type="button" @click=${this.discard}>Discard it</button>
        </sp-notice>`;
      case "mining":
        return html`<sp-transaction
          .transaction=${this.review.transaction}
          .chain=${this.config.chain}
          back="Back to the review"
          @progressed=${({ detail }: CustomEvent<PendingTransaction>) => this.keep(detail)}
          @recorded=${() => void this.recorded()}
          @sign-again=${this.discard}
        ></sp-transaction>`;
      case "publishing":
        return this.problem
          ? html`<sp-notice .problem=${{ ...this.problem, title: "The reason is not published yet", text: `${this.problem.text} ${RETRIED}` }}>
              <button class="button primary" type="button" @click=${() => void this.publish()}>Try again now</button>
            </sp-notice>`
          : html`<p class="busy" role="status"><span class="spinner"></span>On the chain. Publishing the reason …</p>`;
      case "done":
        return html`<p role="status">
            ${this.review.sealed
              ? "The review is on the chain. Only your file contains its reason: keep it safe."
              : "The review is on the chain and its reason is published."}
          </p>
          <div class="actions">
            ${this.review.sealed
              ? html`<button class="button" type="button" @click=${this.save}>Save the reason again</button>`
              : nothing}
            <button class="button" type="button" @click=${this.discard}>Dismiss</button>
          </div>`;
    }
  }

  /** After a reload while the wallet's window was open. */
  private async look(): Promise<void> {
    this.phase = "looking";
    this.problem = null;
    const { imageId, reviewId } = this.review;
    try {
      const { diagnoses } = await api.record(imageId);
      const found = diagnoses.some(({ reviews }) => reviews.some((review) => review.reviewId === reviewId));
      if (found) await this.recorded();
      else this.phase = "unsent";
    } catch (error) {
      this.problem = describe(error);
      this.later(() => this.look());
    }
  }

  private found({ detail }: CustomEvent<PendingTransaction>): void {
    this.keep(detail);
    this.phase = "mining";
  }

  private async recorded(): Promise<void> {
    this.dispatchEvent(new CustomEvent("recorded"));
    if (this.review.sealed) this.phase = "done";
    else await this.publish();
  }

  private async publish(): Promise<void> {
    window.clearTimeout(this.retry);
    this.phase = "publishing";
    this.problem = null;
    const { reviewId, statement } = this.review;
    try {
      await api.publish(reviewId, statement);
    } catch (error) {
      this.problem = describe(error);
      this.later(() => this.publish());
      return;
    }
    removePendingReview(reviewId);
    this.phase = "done";
    announce("The review is on the chain and its reason is published.");
  }

  private later(work: () => Promise<void>): void {
    this.retry = window.setTimeout(() => void work(), this.pause);
    this.pause = Math.min(this.pause * 2, LONGEST_RETRY_MS);
  }

  private keep(transaction: PendingTransaction): void {
    this.review = { ...this.review, transaction };
    savePendingReview(this.review);
  }

  private save(): void {
    download(statementFile(this.review.reviewId), this.review.statement);
  }

  private discard(): void {
    removePendingReview(this.review.reviewId);
    this.dispatchEvent(new CustomEvent("removed"));
  }
}

const RETRIED = "This browser keeps it and retries until it succeeds.";
const UNSENT: Problem = {
  kind: "review-unsent",
  tone: "warning",
  title: "Not on the chain",
  text: "The chain has no such review: it was declined in the wallet, or another review came first. This browser keeps the reason; discard this attempt to review the diagnosis again with it.",
};
