import { LitElement, css, html, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { announce } from "../accessibility";
import { api } from "../api/client";
import type { ChainConfig } from "../api/types";
import { forget } from "../chain/intents";
import { describeReason, isSettled } from "../chain/reverts";
import { Tracker } from "../chain/tracker";
import { elapsed, whole } from "../format";
import { UNREACHABLE, type Problem } from "../state/problems";
import { HEADLINES, isElsewhere, isRecorded, UNTRACKED, type PendingTransaction, type Tracked, type TrackedState } from "../chain/transaction-state";
import { shared } from "../styles/shared";
import { icons } from "./icons";
import "./sp-hash";
import "./sp-notice";

/**
 * The progress of a submitted transaction. Events: `progressed` with the transaction when the server knows its nonce,
 * `recorded` when it is confirmed, `sign-again` when the person goes back to what was to be signed. The slot is shown
 * while its end is open.
 */
@customElement("sp-transaction")
export class TransactionPanel extends LitElement {
  static override styles = [
    shared,
    css`
      .state {
        display: flex;
        align-items: center;
        gap: var(--space-3);
        font-size: var(--text-large);
        font-weight: 650;
      }
      .good {
        color: var(--success);
      }
      .bad {
        color: var(--danger);
      }
    `,
  ];

  @property({ attribute: false }) transaction!: PendingTransaction;
  @property({ attribute: false }) chain!: ChainConfig;
  /** The name of the way back after a failure. */
  @property() back = "Prepare it again";
  @state() private tracked: Tracked = UNTRACKED;
  @state() private now = Date.now();
  private tracker: Tracker | null = null;
  private clock = 0;

  private get elsewhere(): boolean {
    return isElsewhere(this.transaction, this.chain);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.clock = window.setInterval(() => (this.now = Date.now()), 1000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.clearInterval(this.clock);
    this.tracker?.stop();
    this.tracker = null;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get("transaction");
    if (this.tracker && before?.hash === this.transaction.hash) return;
    if (this.tracker && !changed.has("transaction")) return;
    this.tracker?.stop();
    this.tracked = UNTRACKED;
    this.tracker = new Tracker(api, this.transaction, (tracked, transaction) => this.progressed(tracked, transaction));
    if (!this.elsewhere) void this.tracker.run();
  }

  protected override render() {
    const { state, status, unreachable } = this.tracked;
    const { hash, submittedAt } = this.transaction;
    return html`<div class="stack" data-testid="transaction" data-state=${state}>
      ${this.elsewhere ? nothing : this.headline(state)}
      <dl class="terms small">
        <dt>Transaction</dt>
        <dd data-testid="transaction-hash">
          <sp-hash .value=${hash} .href=${status?.explorerUrl ?? null} label="transaction hash"></sp-hash>
        </dd>
        ${status?.block
          ? html`<dt>Block</dt>
              <dd>${whole(status.block.number)}</dd>
              <dt>Confirmations</dt>
              <dd data-testid="confirmations">${Math.min(status.confirmations, status.required)} of ${status.required}</dd>`
          : nothing}
        ${status?.gasUsed
          ? html`<dt>Gas used</dt>
              <dd>${whole(status.gasUsed)}</dd>`
          : nothing}
        ${isOpen(state)
          ? html`<dt>Since</dt>
              <dd>${elapsed(this.now - submittedAt)}</dd>`
          : nothing}
      </dl>
      ${isOpen(state) && !this.elsewhere ? html`<slot></slot>` : nothing}
      ${unreachable ? html`<sp-notice .problem=${{ ...UNREACHABLE, text: SERVER_GONE }}></sp-notice>` : nothing}
      ${this.problem()}
    </div>`;
  }

  private headline(state: TrackedState) {
    if (isOpen(state)) return html`<p class="state"><span class="spinner"></span>${HEADLINES[state]} …</p>`;
    const good = isRecorded(state);
    return html`<p class="state ${good ? "good" : "bad"}">${good ? icons.success : icons.cross} ${HEADLINES[state]}</p>`;
  }

  private problem() {
    const problem = this.elsewhere ? OTHER_CHAIN : problemOf(this.tracked);
    if (!problem) return nothing;
    return html`<sp-notice .problem=${problem}>${this.actions()}</sp-notice>`;
  }

  private actions() {
    const { state, status } = this.tracked;
    const { imageId, kind } = this.transaction;
    const failed = state === "failed" && !this.elsewhere;
    const again = html`<button class="button primary" type="button" @click=${this.again}>${failed ? this.back : "Sign again"}</button>`;
    if (!failed || kind === "review") return again;
    // What is there already can be looked at; to sign it again would fail again.
    const settled = isSettled(describeReason(status?.revertReason ?? null).name);
    return settled ? html`<a class="button primary" href="/records/${imageId}">See the record</a>` : again;
  }

  private again(): void {
    forget(this.transaction);
    this.dispatchEvent(new CustomEvent("sign-again"));
  }

  private progressed(tracked: Tracked, transaction: PendingTransaction): void {
    const { state } = tracked;
    if (state !== this.tracked.state) announce(`Transaction: ${HEADLINES[state]}`);
    this.tracked = tracked;
    if (transaction.nonce !== this.transaction.nonce) {
      this.dispatchEvent(new CustomEvent("progressed", { detail: transaction }));
    }
    if (isRecorded(state)) this.dispatchEvent(new CustomEvent("recorded"));
  }
}

const SERVER_GONE = "Your transaction is not affected. This page retries, and continues when the server is back.";
const OTHER_CHAIN: Problem = {
  kind: "other-chain",
  tone: "warning",
  title: "This transaction belongs to another chain",
  text: "It was sent to a chain or a contract that this server no longer uses. Your work is saved: sign again to record it here.",
};

function isOpen(state: TrackedState): boolean {
  return state === "pending" || state === "unknown" || state === "mined" || state === "replaced";
}

function problemOf({ state, status }: Tracked): Problem | null {
  switch (state) {
    case "failed": {
      const { text, remedy } = describeReason(status?.revertReason ?? null);
      return { kind: "failed", tone: "danger", title: "The transaction failed", text: `${text} ${remedy} This transaction itself wrote nothing; its fee was spent.` };
    }
    case "dropped":
      return {
        kind: "dropped",
        tone: "warning",
        title: "The transaction has disappeared",
        text: "The chain's node has not reported it for more than 90 seconds. Look at the activity list of your wallet: if the transaction is still pending there, speed it up or cancel it. Sign again only when it is gone from there: of two transactions for the same record the second fails and costs its fee. This page keeps looking.",
      };
    case "cancelled":
      return {
        kind: "cancelled",
        tone: "info",
        title: "The transaction was replaced",
        text: "Another transaction was mined in its place, for example because you cancelled it in the wallet. It wrote no record. Your work is saved.",
      };
    default:
      return null;
  }
}
