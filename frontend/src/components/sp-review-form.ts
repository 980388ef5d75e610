import { LitElement, css, html, nothing, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { announce, recoverFocus } from "../accessibility";
import type { ChainConfig, Diagnosis, Hex, Model, SliceOutline } from "../api/types";
import { hex } from "../bytes";
import type { Wallet } from "../chain/discovery";
import { WalletError } from "../chain/errors";
import { MAX_OUTLINED_SLICES, MAX_STATEMENT_BYTES, planReview, type ReviewPlan, type Verdict } from "../chain/reviews";
import type { PendingTransaction } from "../chain/transaction-state";
import { estimate, send, type Cost } from "../chain/transactions";
import { download } from "../download";
import { hiddenIn, whole } from "../format";
import { MAX_POINTS } from "../state/outline-edit";
import { removePendingReview, savePendingReview, statementFile, type PendingReview } from "../state/pending-reviews";
import { describe, feeOver, noFunds, type Problem } from "../state/problems";
import { choices, fields } from "../styles/forms";
import { shared } from "../styles/shared";
import { IntentController } from "./intent-controller";
import { LoadController } from "./load-controller";
import "./sp-notice";
import "./sp-open-request";
import "./sp-transaction";
import "./sp-transaction-preview";
import type { Row } from "./sp-transaction-preview";
import "./sp-wallet-wait";

const MAX_REASON = 2000;
const SALT_BYTES = 32;
/** After the last key: every preview is simulated on the wallet's node. */
const PREVIEW_AFTER_MS = 400;
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
  /** The corrected outline, null where it was not corrected. */
  @property({ attribute: false }) outline: [x: number, y: number][][] | null = null;
  /** The same for slices of a study. */
  @property({ attribute: false }) outlines: SliceOutline[] = [];
  /** The text of an earlier attempt. */
  @property() reason = "";
  @state() private verdict: Verdict | null = null;
  @state() private busy: "checking" | "waiting" | null = null;
  @state() private problem: Problem | null = null;
  @state() private shown: ReviewPlan | null = null;
  /** A review of the same diagnosis that was signed in another tab. */
  @state() private other: PendingTransaction | null = null;
  @query("form") private form!: HTMLFormElement | null;
  @query("textarea") private written!: HTMLTextAreaElement | null;
  private readonly cost = new LoadController<Cost>(this);
  private readonly intents = new IntentController(this);
  /** One for all previews of this form, so that what is shown is what is signed. */
  private readonly salt = randomSalt();
  private timer = 0;

  private get otherLabels() {
    return (this.model?.classes ?? []).filter(({ code }) => code !== this.diagnosis.labelCode);
  }

  /** A request to review this diagnosis that no form waits for. */
  private get openRequest() {
    return this.busy ? null : this.intents.find(this.diagnosis.diagnosisId, this.chain);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.clearTimeout(this.timer);
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("account") || changed.has("diagnosis")) this.preview();
    if (changed.has("outline") || changed.has("outlines")) this.previewLater();
    const { shown, wallet } = this;
    if (shown) this.cost.show(`${wallet.uuid} ${shown.from} ${shown.data}`, () => estimate(wallet, shown));
    else this.cost.clear();
  }

  protected override updated(): void {
    recoverFocus(this.renderRoot);
  }

  protected override render() {
    const { sealed } = this.diagnosis;
    return html`<form class="stack" novalidate @submit=${this.submitted} @input=${this.previewLater}>
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
      ${this.shown ? this.previewOf(this.shown) : nothing}
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

  private previewOf(plan: ReviewPlan) {
    const { value, problem } = this.cost;
    // Why it would fail is said when the person signs; until then the form may still change.
    return html`<sp-transaction-preview
        .plan=${plan}
        .cost=${value}
        .chain=${this.chain}
        .wallet=${this.wallet.name}
        .details=${this.details(plan)}
      ></sp-transaction-preview>
      ${problem ? html`<sp-notice .problem=${problem}></sp-notice>` : nothing}`;
  }

  private details({ imageId, diagnosisId, verdict, label, reasonHash, reviewId }: ReviewPlan): Row[] {
    const words = this.model?.classes.find(({ code }) => code === label)?.text;
    const result = verdict === "withdrawn" ? "None" : this.diagnosis.sealed ? "Sealed" : (words ?? this.diagnosis.labelText);
    return [
      ["Verdict", CHOICES.find(([name]) => name === verdict)?.[1] ?? verdict],
      ["Valid result", `${result} (code ${label})`],
      ["Outline", this.outlineText()],
      ["Reason hash", html`<code>${reasonHash}</code>`],
      ["Image id", html`<code>${imageId}</code>`],
      ["Diagnosis", html`<code>${diagnosisId}</code>`],
      ["Review id", html`<code>${reviewId}</code>`],
    ];
  }

  private outlineText(): string {
    if (this.outlines.length > 0) {
      const places = this.outlines.map(({ order }) => order + 1).join(", ");
      return `Corrected by you on ${this.outlines.length > 1 ? "slices" : "slice"} ${places}, part of the statement`;
    }
    if (!this.outline) return "Not corrected";
    return this.outline.length > 0 ? "Corrected by you, part of the statement" : "Removed by you, part of the statement";
  }

  private action() {
    const { openRequest, other } = this;
    if (other) {
      return html`<sp-transaction
        .transaction=${other}
        .chain=${this.chain}
        back="Back to the review"
        @recorded=${this.outdated}
        @sign-again=${() => (this.other = null)}
      ></sp-transaction>`;
    }
    if (openRequest) {
      return html`<sp-open-request
        .intent=${openRequest}
        .chain=${this.chain}
        @found=${({ detail }: CustomEvent<PendingTransaction>) => (this.other = detail)}
      ></sp-open-request>`;
    }
    if (this.busy === "waiting") {
      return html`<sp-wallet-wait
        tabindex="-1"
        data-focus
        .wallet=${this.wallet.name}
        what="compare what it shows with the preview above, then confirm or decline"
      ></sp-wallet-wait>`;
    }
    return html`<p class="soft small">
        One transaction from <code>${this.account}</code>: the verdict, the valid result, a salted hash of the reason, your
        account and the time. You cannot undo it; a later review can supersede it.
      </p>
      <div class="actions">
        <button class="button primary" type="submit" ?disabled=${this.busy !== null}>
          ${this.busy === "checking" ? "Checking …" : "Sign the review"}
        </button>
      </div>`;
  }

  private previewLater(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.preview(), PREVIEW_AFTER_MS);
  }

  /** Nothing is shown until the form is complete. */
  private preview(): void {
    if (this.busy) return;
    const plan = this.form ? this.planOf(new FormData(this.form)) : null;
    this.shown = typeof plan === "object" ? plan : null;
  }

  private async submitted(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    window.clearTimeout(this.timer);
    const plan = this.planOf(new FormData(event.target as HTMLFormElement));
    if (typeof plan === "string") {
      this.problem = { kind: "review-incomplete", tone: "warning", title: "Something is missing", text: plan };
      return;
    }
    if (this.busy || this.openRequest || this.other) return;
    this.shown = plan;
    this.problem = null;
    this.busy = "checking";
    try {
      const cost = await estimate(this.wallet, plan);
      if (cost.balance < cost.fee) this.problem = feeOver(cost, this.chain);
      else await this.sign(plan, cost.limit);
    } catch (error) {
      this.problem = error instanceof WalletError && error.kind === "no-funds" ? noFunds(error.message, this.chain) : describe(error);
      if (error instanceof WalletError && error.revert?.name === "NotNewestStep") this.outdated();
    } finally {
      this.busy = null;
    }
  }

  private async sign(plan: ReviewPlan, limit: bigint): Promise<void> {
    const { reviewId, diagnosisId, imageId, statement } = plan;
    const { sealed, manifestHash } = this.diagnosis;
    const kept: PendingReview = { reviewId, diagnosisId, imageId, sealed, statement, transaction: null, savedAt: Date.now() };
    savePendingReview(kept);
    if (sealed) download(statementFile(reviewId), statement);
    this.busy = "waiting";
    announce(`Waiting for ${this.wallet.name}: check and confirm in its window.`);
    try {
      const what = { kind: "review", manifestHash, reviewId, diagnosisId } as const;
      const transaction = await send(this.wallet, plan, limit, what);
      const detail: PendingReview = { ...kept, transaction };
      savePendingReview(detail);
      this.dispatchEvent(new CustomEvent("submitted", { detail }));
    } catch (error) {
      // While the request can still be open, only the browser has the text of the reason.
      if (this.intents.find(diagnosisId, this.chain)?.reviewId !== reviewId) removePendingReview(reviewId);
      throw error;
    }
  }

  private outdated(): void {
    this.dispatchEvent(new CustomEvent("outdated", { detail: this.written?.value ?? this.reason }));
  }

  /** What is missing, in words, where the form is not complete. */
  private planOf(form: FormData): ReviewPlan | string {
    const words = form.get("reason");
    const reason = typeof words === "string" ? words.replaceAll("\r\n", "\n").trim() : "";
    const hidden = hiddenIn(reason);
    const label = this.otherLabels.find(({ code }) => String(code) === form.get("label")) ?? null;
    if (!this.verdict) return "Choose a verdict.";
    if (this.verdict === "overridden" && !label && !this.diagnosis.sealed) return "Choose the result that is valid from now on.";
    if (!reason) return "Write the reason.";
    if (hidden) return `Remove the character ${hidden} from the reason: readers do not see it.`;
    const points = this.outlines.flatMap(({ outline }) => outline).reduce((sum, contour) => sum + contour.length, 0);
    if (this.outlines.length > MAX_OUTLINED_SLICES) return `Correct the outline of at most ${MAX_OUTLINED_SLICES} slices in one review.`;
    if (points > MAX_POINTS) return `The corrected outlines have ${whole(points)} points, of at most ${whole(MAX_POINTS)} in one review: remove some.`;
    const opinion = { verdict: this.verdict, label, reason, outline: this.outline, sliceOutlines: this.outlines };
    const plan = planReview(this.imageId, this.diagnosis, opinion, this.account, this.chain, this.salt);
    const long = new TextEncoder().encode(plan.statement).length > MAX_STATEMENT_BYTES;
    return long ? "The reason and the outlines are too long for one review: shorten the reason, or correct fewer slices." : plan;
  }
}

function randomSalt(): Hex {
  return `0x${hex(crypto.getRandomValues(new Uint8Array(SALT_BYTES)))}`;
}
