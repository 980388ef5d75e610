import { LitElement, css, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { announce, recoverFocus } from "../accessibility";
import type { ChainConfig, Diagnosis, Hex, Model } from "../api/types";
import type { Wallet } from "../chain/discovery";
import { WalletError } from "../chain/errors";
import { planReview, type ReviewPlan, type Verdict } from "../chain/reviews";
import { estimate, send } from "../chain/transactions";
import { download } from "../download";
import { hiddenIn } from "../format";
import { removePendingReview, savePendingReview, statementFile, type PendingReview } from "../state/pending-reviews";
import { describe, feeOver, noFunds, type Problem } from "../state/problems";
import { choices, fields } from "../styles/forms";
import { shared } from "../styles/shared";
import "./sp-notice";

const MAX_REASON = 2000;
const SALT_BYTES = 32;
const CHOICES: [verdict: Verdict, name: string, text: string][] = [
  ["confirmed", "Confirm", "You agree with the result."],
  ["overridden", "Override", "A different result is valid from now on."],
  ["withdrawn", "Withdraw", "The diagnosis is no longer valid."],
];

/**
 * The form for a clinician's review, sent as one transaction. Events: `submitted` with a PendingReview, `outdated` with
 * the reason that was written, when another review came first.
 */
@customElement("sp-review-form")
export class ReviewForm extends LitElement {
  static override styles = [
    shared,
    choices,
    fields,
    css`
      .choices {
        --choice: 10rem;
      }
      .field {
        display: grid;
        gap: var(--space-2);
      }
      .field label {
        font-weight: 650;
      }
      textarea {
        min-height: 6rem;
        resize: vertical;
      }
    `,
  ];

  @property({ attribute: false }) diagnosis!: Diagnosis;
  @property({ attribute: false }) imageId!: Hex;
  @property({ attribute: false }) model: Model | null = null;
  @property({ attribute: false }) chain!: ChainConfig;
  @property({ attribute: false }) wallet!: Wallet;
  @property() account!: Hex;
  /** Whether the reviewer can see the result: false for a sealed diagnosis that was not opened. */
  @property({ attribute: false }) visible = true;
  /** The text of an earlier attempt. */
  @property() reason = "";
  @state() private verdict: Verdict | null = null;
  @state() private busy: "preparing" | "waiting" | null = null;
  @state() private problem: Problem | null = null;

  private get otherLabels() {
    return (this.model?.classes ?? []).filter(({ code }) => code !== this.diagnosis.labelCode);
  }

  protected override updated(): void {
    recoverFocus(this.renderRoot);
  }

  protected override render() {
    const { sealed } = this.diagnosis;
    return html`<form class="stack" novalidate @submit=${this.submitted}>
      <fieldset ?disabled=${this.busy !== null}>
        <legend>Your verdict</legend>
        <div class="choices">${CHOICES.map((choice) => this.choice(...choice))}</div>
      </fieldset>
      ${this.verdict === "overridden" && !sealed ? this.labels() : nothing}
      <div class="field">
        <label for="reason">Reason</label>
        <span class="soft small" id="about-reason">
          ${sealed
            ? "Required. The diagnosis is sealed, so the reason is not published: it is saved as a file when you sign, and the chain gets only a salted hash of it."
            : "Required. It becomes public and permanent: do not name or describe the patient."}
        </span>
        <textarea
          id="reason"
          name="reason"
          required
          maxlength=${MAX_REASON}
          aria-describedby="about-reason"
          .defaultValue=${this.reason}
          ?disabled=${this.busy !== null}
        ></textarea>
      </div>
      ${this.problem ? html`<sp-notice tabindex="-1" data-focus .problem=${this.problem}></sp-notice>` : nothing}
      ${this.action()}
    </form>`;
  }

  private choice(verdict: Verdict, name: string, text: string) {
    const obstacle = this.obstacle(verdict);
    return html`<label class="choice">
      <input
        type="radio"
        name="verdict"
        .value=${verdict}
        ?disabled=${obstacle !== null}
        aria-label=${name}
        aria-describedby="about-${verdict}"
        @change=${() => (this.verdict = verdict)}
      />
      <span>${name}</span>
      <span class="soft small" id="about-${verdict}">
        ${obstacle ?? text}
      </span>
    </label>`;
  }

  /** Why this verdict cannot be given here. */
  private obstacle(verdict: Verdict): string | null {
    if (verdict !== "withdrawn" && !this.visible) return "Open the sealed result first: you cannot review what you cannot see.";
    const noLabels = verdict === "overridden" && !this.diagnosis.sealed && this.otherLabels.length === 0;
    return noLabels ? "The model is not installed here, so its possible results are unknown." : null;
  }

  private labels() {
    return html`<div class="field">
      <label for="label">Valid result</label>
      <select id="label" name="label" ?disabled=${this.busy !== null}>
        <option value="">Choose one</option>
        ${this.otherLabels.map(({ code, text }) => html`<option value=${code}>${text}</option>`)}
      </select>
    </div>`;
  }

  private action() {
    if (this.busy === "waiting") {
      return html`<p class="busy" role="status" tabindex="-1" data-focus>
        <span class="spinner"></span>Waiting for ${this.wallet.name}: compare, then confirm or decline in its window.
      </p>`;
    }
    return html`<p class="soft small">
        One transaction from <code>${this.account}</code>: the verdict, the valid result, a salted hash of the reason, your
        account and the time. You cannot undo it; a later review can supersede it.
      </p>
      <div class="actions">
        <button class="button primary" type="submit" ?disabled=${this.busy !== null}>
          ${this.busy === "preparing" ? "Preparing …" : "Sign the review"}
        </button>
      </div>`;
  }

  private async submitted(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const plan = this.plan(form);
    if (!plan || this.busy) return;
    this.problem = null;
    this.busy = "preparing";
    try {
      const cost = await estimate(this.wallet, plan);
      if (cost.balance < cost.fee) this.problem = feeOver(cost, this.chain);
      else await this.sign(plan);
    } catch (error) {
      this.problem = error instanceof WalletError && error.kind === "no-funds" ? noFunds(error.message, this.chain) : describe(error);
      if (error instanceof WalletError && error.revert?.name === "NotNewestStep") {
        this.dispatchEvent(new CustomEvent("outdated", { detail: form.get("reason") }));
      }
    } finally {
      this.busy = null;
    }
  }

  private async sign(plan: ReviewPlan): Promise<void> {
    const { reviewId, diagnosisId, imageId, statement } = plan;
    const { sealed, manifestHash } = this.diagnosis;
    const kept: PendingReview = { reviewId, diagnosisId, imageId, sealed, statement, transaction: null, savedAt: Date.now() };
    savePendingReview(kept);
    if (sealed) download(statementFile(reviewId), statement);
    this.busy = "waiting";
    announce(`Waiting for ${this.wallet.name}: check and confirm in its window.`);
    try {
      const transaction = await send(this.wallet, plan, { kind: "review", manifestHash, reviewId });
      const detail: PendingReview = { ...kept, transaction };
      savePendingReview(detail);
      this.dispatchEvent(new CustomEvent("submitted", { detail }));
    } catch (error) {
      // After any other failure than a refusal, the wallet may still have sent it.
      if (error instanceof WalletError && error.kind !== "rpc-failed") removePendingReview(reviewId);
      throw error;
    }
  }

  /** Null, with the problem shown, when something is missing. */
  private plan(form: FormData): ReviewPlan | null {
    const words = form.get("reason");
    const reason = typeof words === "string" ? words.replaceAll("\r\n", "\n").trim() : "";
    const hidden = hiddenIn(reason);
    const label = this.otherLabels.find(({ code }) => String(code) === form.get("label")) ?? null;
    const missing = !this.verdict
      ? "Choose a verdict."
      : this.verdict === "overridden" && !label && !this.diagnosis.sealed
        ? "Choose the result that is valid from now on."
        : !reason
          ? "Write the reason."
          : hidden
            ? `Remove the character ${hidden} from the reason: readers do not see it.`
            : null;
    if (missing || !this.verdict) {
      this.problem = { kind: "review-incomplete", tone: "warning", title: "Something is missing", text: missing ?? "" };
      return null;
    }
    const salt = `0x${Array.from(crypto.getRandomValues(new Uint8Array(SALT_BYTES)), (byte) => byte.toString(16).padStart(2, "0")).join("")}` as const;
    return planReview(this.imageId, this.diagnosis, { verdict: this.verdict, label, reason }, this.account, this.chain, salt);
  }
}
