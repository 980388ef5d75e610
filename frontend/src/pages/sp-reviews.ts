import { LitElement, css, html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { api } from "../api/client";
import type { Config, Hex, Model, QueuedDiagnosis, DiagnosisStatus } from "../api/types";
import type { Wallet } from "../chain/discovery";
import { isClinician } from "../chain/roles";
import { wallet } from "../chain/wallet";
import { LoadController } from "../components/load-controller";
import { loadNotice } from "../components/load-notice";
import "../components/sp-pending-review";
import "../components/sp-notice";
import "../components/sp-review-item";
import "../components/sp-wallet";
import { WalletController } from "../components/wallet-controller";
import { pendingReviews, reasonOf, type PendingReview } from "../state/pending-reviews";
import { describe, type Problem } from "../state/problems";
import { STATUSES } from "../state/diagnosis-status";
import { fields } from "../styles/forms";
import { shared } from "../styles/shared";

/** `/reviews`: the diagnoses that wait for a clinician, and what becomes of this person's reviews. */
@customElement("sp-reviews")
export class ReviewsPage extends LitElement {
  static override styles = [
    shared,
    fields,
    css`
      .filter {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--space-3);
      }
    `,
  ];

  @property({ attribute: false }) config!: Config;
  @state() private status: DiagnosisStatus = "asserted";
  @state() private queue: QueuedDiagnosis[] = [];
  @state() private next: string | null = null;
  @state() private loading = false;
  @state() private problem: Problem | null = null;
  @state() private kept: PendingReview[] = pendingReviews();
  @query("h1") private heading!: HTMLElement | null;
  private asked = 0;
  private readonly reasons = new Map<Hex, string>();
  private readonly onChain = new Set<Hex>();
  private readonly wallet = new WalletController(this);
  private readonly clinician = new LoadController<boolean>(this);
  private readonly models = new LoadController<Model[]>(this);

  override connectedCallback(): void {
    super.connectedCallback();
    this.models.show("models", () => api.models());
    void this.load();
  }

  private get account(): { wallet: Wallet; account: Hex } | null {
    const { selected, account, chainId } = this.wallet.state;
    return selected && account && chainId === this.config.chain.id ? { wallet: selected, account } : null;
  }

  protected override willUpdate(): void {
    const found = this.account;
    const { chain } = this.config;
    if (!found) {
      this.clinician.clear();
      return;
    }
    const key = `${found.wallet.uuid} ${found.account} ${chain.contract}`;
    this.clinician.show(key, () => isClinician(found.wallet, found.account, chain));
  }

  protected override render() {
    const reviewer = this.clinician.value ? this.account : null;
    // Until a review is on the chain, its diagnosis is not offered to be reviewed once more.
    const pending = this.kept.filter(({ reviewId }) => !this.onChain.has(reviewId)).map(({ diagnosisId }) => diagnosisId);
    const waiting = this.queue.filter(({ diagnosisId }) => !pending.includes(diagnosisId));
    return html`<div class="stack">
      <h1 tabindex="-1">Reviews</h1>
      <p class="lead">
        A diagnosis is a model's assertion until a clinician confirms, overrides or withdraws it. Each review is a public
        transaction of its own.
      </p>
      <section class="panel stack" aria-label="Your account">
        <sp-wallet purpose="review" .chain=${this.config.chain}></sp-wallet>
        ${this.roleState()}
      </section>
      ${repeat(
        this.kept,
        ({ reviewId }) => reviewId,
        (review) => html`<sp-pending-review
          .review=${review}
          .config=${this.config}
          @recorded=${() => this.recorded(review)}
          @removed=${() => this.removed(review)}
        ></sp-pending-review>`,
      )}
      <div class="filter">
        <label for="status">Show</label>
        <select id="status" @change=${this.filtered}>
          ${Object.entries(STATUSES).map(
            ([status, { text }]) => html`<option value=${status} ?selected=${status === this.status}>${text}</option>`,
          )}
        </select>
        <button class="button" type="button" @click=${() => void this.load()}>Refresh</button>
      </div>
      ${repeat(
        waiting,
        ({ diagnosisId }) => diagnosisId,
        (queued) => html`<sp-review-item
          .queued=${queued}
          .models=${this.models.value}
          .chain=${this.config.chain}
          .reviewer=${reviewer}
          .reason=${this.reasons.get(queued.diagnosisId) ?? ""}
          @submitted=${this.submitted}
        ></sp-review-item>`,
      )}
      ${this.end(waiting.length === 0)}
    </div>`;
  }

  private roleState() {
    const { value, problem } = this.clinician;
    if (!this.account) return nothing;
    if (problem) return loadNotice(this.clinician);
    if (value === null) return html`<p class="busy soft" role="status"><span class="spinner"></span>Asking the contract …</p>`;
    if (value) return html`<p role="status" data-testid="may-review">This account can review: it has CLINICIAN_ROLE.</p>`;
    return html`<sp-notice .problem=${NOT_CLINICIAN}>
      <button class="button primary" type="button" @click=${() => void wallet.changeAccount()}>Change the account</button>
    </sp-notice>`;
  }

  private end(none: boolean) {
    if (this.problem) {
      return html`<sp-notice level="2" .problem=${this.problem}>
        <button class="button" type="button" @click=${() => void this.more()}>Try again</button>
      </sp-notice>`;
    }
    if (this.loading) return html`<p class="busy soft"><span class="spinner"></span>Loading …</p>`;
    if (none) return html`<p class="panel">No diagnosis is ${STATUSES[this.status].text} now.</p>`;
    return this.next ? html`<button class="button" type="button" @click=${() => void this.more()}>Show more</button>` : nothing;
  }

  private filtered({ target }: Event): void {
    this.status = (target as HTMLSelectElement).value as DiagnosisStatus;
    void this.load();
  }

  private submitted({ detail }: CustomEvent<PendingReview>): void {
    this.kept = [...this.kept, detail];
    this.heading?.focus();
  }

  private recorded({ reviewId, diagnosisId }: PendingReview): void {
    this.onChain.add(reviewId);
    this.queue = this.queue.filter((queued) => queued.diagnosisId !== diagnosisId);
  }

  /** Where it failed, its diagnosis is in the queue again, with the reason that was given. */
  private removed(review: PendingReview): void {
    this.reasons.set(review.diagnosisId, reasonOf(review));
    this.kept = this.kept.filter((other) => other !== review);
  }

  private load(): Promise<void> {
    this.queue = [];
    this.next = null;
    return this.more();
  }

  private async more(): Promise<void> {
    const asked = ++this.asked;
    this.loading = true;
    this.problem = null;
    try {
      const page = await api.reviewQueue(this.status, this.next);
      if (asked !== this.asked) return;
      this.queue = [...this.queue, ...page.diagnoses];
      this.next = page.next;
    } catch (error) {
      if (asked !== this.asked) return;
      this.problem = describe(error);
    }
    this.loading = false;
  }
}

const NOT_CLINICIAN: Problem = {
  kind: "not-clinician",
  tone: "info",
  title: "This account cannot review",
  text: "Only accounts with CLINICIAN_ROLE can review; the administrator of the registry grants the role. You can read everything here, or change the account: MetaMask keeps the connected account when you select another one in its own window.",
};
