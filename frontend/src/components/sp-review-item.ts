import { LitElement, css, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { viewOf } from "../api/client";
import type { ChainConfig, Diagnosis, Hex, ImageRecord, Model, QueuedDiagnosis, Review, SliceOutline } from "../api/types";
import type { Wallet } from "../chain/discovery";
import { isoTime, percent, short, time } from "../format";
import type { PendingReview } from "../state/pending-reviews";
import type { Opening } from "../state/opening";
import type { Problem } from "../state/problems";
import { labelText, modelOf, STATUSES } from "../state/diagnosis-status";
import { slideOf } from "../state/slide";
import { disclosure } from "../styles/disclosure";
import { shared } from "../styles/shared";
import { loadNotice } from "./load-notice";
import { ReviewData } from "./review-data";
import "./sp-notice";
import "./sp-opening";
import "./sp-review-form";
import "./sp-status";
import "./sp-study-slices";
import "./sp-study-summary";
import { loadSlideViewer, loadViewer } from "./viewer-loader";

/** One diagnosis of the queue: a line that opens to everything a reviewer needs. Event `submitted` with a PendingReview. */
@customElement("sp-review-item")
export class ReviewItem extends LitElement {
  static override styles = [
    shared,
    disclosure,
    css`
      summary {
        flex-wrap: wrap;
        gap: var(--space-1) var(--space-4);
      }
      .name {
        font-weight: 650;
      }
      .columns {
        display: grid;
        grid-template-columns: minmax(0, 5fr) minmax(0, 7fr);
        gap: var(--space-5) var(--space-6);
        align-items: start;
        margin-top: var(--space-4);
      }
      ol {
        display: grid;
        gap: var(--space-3);
      }
      ol li {
        padding-left: var(--space-4);
        border-left: 3px solid var(--line-strong);
      }
      blockquote {
        margin: var(--space-1) 0 0;
        overflow-wrap: anywhere;
      }
      @media (max-width: 52rem) {
        .columns {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ];

  @property({ attribute: false }) queued!: QueuedDiagnosis;
  @property({ attribute: false }) models: Model[] | null = null;
  @property({ attribute: false }) chain!: ChainConfig;
  /** The wallet and the account that may review, null as long as there is none. */
  @property({ attribute: false }) reviewer: { wallet: Wallet; account: Hex } | null = null;
  /** The text of an earlier attempt. */
  @property() reason = "";
  @state() private open = false;
  @state() private opening: Opening | null = null;
  @state() private overtaken = false;
  @state() private outline: [x: number, y: number][][] | null = null;
  @state() private outlines: SliceOutline[] = [];
  private readonly data = new ReviewData(this);

  protected override willUpdate(): void {
    this.data.follow(this.open ? this.queued.imageId : null, this.queued.diagnosisId);
    if (slideOf(this.data.image)) loadSlideViewer();
  }

  protected override render() {
    const { imageId, issuedAt, model } = this.queued;
    const diagnosis = this.data.diagnosis(this.queued.diagnosisId) ?? this.queued;
    return html`<details class="panel" data-testid="queued" @toggle=${this.toggled}>
      <summary>
        <span class="name">${this.result(diagnosis)}</span>
        <sp-status .status=${diagnosis.status}></sp-status>
        <span class="soft small">
          <code>${short(imageId)}</code> · <time datetime=${isoTime(issuedAt)}>${time(issuedAt)}</time>
          ${model ? html`· ${model.name} ${model.version}` : nothing}
        </span>
      </summary>
      ${this.open ? this.opened() : nothing}
    </details>`;
  }

  private opened() {
    const { value: record, problem } = this.data.record;
    if (problem) return loadNotice(this.data.record);
    const diagnosis = this.data.diagnosis(this.queued.diagnosisId);
    if (!record || !diagnosis) return html`<p class="busy soft"><span class="spinner"></span>Loading …</p>`;
    return html`<div class="columns">
      ${record.study ? this.study(record, diagnosis) : this.image(record, diagnosis)}
      <div class="stack">
        ${this.facts(record, diagnosis)} ${this.history(diagnosis)} ${this.action(record, diagnosis)}
      </div>
    </div>`;
  }

  private image(record: ImageRecord, diagnosis: Diagnosis) {
    const { image } = this.data;
    if (!record.imageAvailable) {
      return html`<p class="soft">This server does not have the image: you cannot judge the diagnosis here.</p>`;
    }
    if (image && slideOf(image)) {
      return html`<sp-slide-viewer .image=${image} .fields=${this.data.fields} alt="The slide to be reviewed"></sp-slide-viewer>`;
    }
    return html`<sp-viewer
      src=${viewOf(record.cid)}
      alt="The image to be reviewed"
      .stored=${image}
      .overlay=${this.data.activationMap}
      .contours=${this.data.contours}
      .size=${image}
      .editable=${this.mayCorrect(record, diagnosis)}
      @outline=${({ detail }: CustomEvent<[number, number][][] | null>) => (this.outline = detail)}
    ></sp-viewer>`;
  }

  private study(record: ImageRecord, diagnosis: Diagnosis) {
    const { value, problem } = this.data.study;
    if (problem) return loadNotice(this.data.study);
    if (!value) return html`<p class="busy soft"><span class="spinner"></span>Loading the study …</p>`;
    return html`<div class="stack">
      <sp-study-summary .result=${value}></sp-study-summary>
      <sp-study-slices
        narrow
        .result=${value}
        .model=${diagnosis.model?.name ?? null}
        .editable=${this.mayCorrect(record, diagnosis)}
        @outlines=${({ detail }: CustomEvent<SliceOutline[]>) => (this.outlines = detail)}
      ></sp-study-slices>
    </div>`;
  }

  private facts({ cid, imageId, uploader }: ImageRecord, diagnosis: Diagnosis) {
    return html`<dl class="terms small">
        <dt>The model's result</dt>
        <dd>${this.result(diagnosis)}</dd>
        <dt>Uploader</dt>
        <dd><code>${uploader}</code></dd>
        <dt>Record</dt>
        <dd><a href="/records/${imageId}">Timeline, outline and verification</a></dd>
      </dl>
      ${diagnosis.sealed && !this.opening
        ? html`<sp-opening
            .cid=${cid}
            .diagnosis=${diagnosis}
            @opened=${({ detail }: CustomEvent<Opening>) => (this.opening = detail)}
          ></sp-opening>`
        : nothing}`;
  }

  private result(diagnosis: Diagnosis): string {
    const found = diagnosis.sealed ? this.opening : diagnosis;
    if (!found) return "Sealed result";
    const text = labelText(found.label, modelOf(diagnosis, this.models));
    return found.labelCode === 0 || found.confidence === null ? text : `${text}, ${percent(found.confidence)}`;
  }

  private history({ reviews, modelId }: Diagnosis) {
    if (reviews.length === 0) return nothing;
    const model = this.models?.find(({ sha256 }) => `0x${sha256}` === modelId) ?? null;
    const line = ({ verdict, label, reviewer, block, statement }: Review) => html`<li class="small">
      <strong>${STATUSES[verdict].text}${verdict === "overridden" && label ? `: ${labelText(label, model)}` : ""}</strong>
      by <code>${short(reviewer, 4)}</code>, <time datetime=${isoTime(block.timestamp)}>${time(block.timestamp)}</time>
      ${statement ? html`<blockquote>${statement}</blockquote>` : nothing}
    </li>`;
    return html`<h3>Reviews so far</h3>
      <ol>
        ${reviews.map(line)}
      </ol>`;
  }

  /** A sealed diagnosis has no published statement, and without the image's size a point has no place. */
  private mayCorrect({ uploader, study }: ImageRecord, { sealed }: Diagnosis): boolean {
    return this.reviewer !== null && this.reviewer.account !== uploader && !sealed && (study || this.data.image !== null);
  }

  private action({ imageId, uploader }: ImageRecord, diagnosis: Diagnosis) {
    const { reviewer } = this;
    if (!reviewer) return html`<p class="soft">To review it, connect the wallet of a clinician above.</p>`;
    if (reviewer.account === uploader) return html`<sp-notice .problem=${OWN_UPLOAD}></sp-notice>`;
    return html`<h3>Review it</h3>
      ${this.overtaken ? html`<sp-notice .problem=${OVERTAKEN}></sp-notice>` : nothing}
      <sp-review-form
        .diagnosis=${diagnosis}
        .imageId=${imageId}
        .model=${modelOf(diagnosis, this.models)}
        .chain=${this.chain}
        .wallet=${reviewer.wallet}
        .account=${reviewer.account}
        .outline=${this.outline}
        .outlines=${this.outlines}
        .reason=${this.reason}
        .visible=${!diagnosis.sealed || this.opening !== null}
        @outdated=${this.outdated}
        @submitted=${(event: CustomEvent<PendingReview>) => this.dispatchEvent(new CustomEvent("submitted", { detail: event.detail }))}
      ></sp-review-form>`;
  }

  private toggled({ target }: Event): void {
    this.open = (target as HTMLDetailsElement).open;
    if (this.open) loadViewer();
  }

  private outdated({ detail }: CustomEvent<string>): void {
    this.overtaken = true;
    this.reason = detail;
    void this.data.record.retry();
  }
}

const OWN_UPLOAD: Problem = {
  kind: "own-upload",
  tone: "info",
  title: "You cannot review your own upload",
  text: "This account registered the image. The contract accepts reviews from other accounts only: change the account above, or in the account menu.",
};
const OVERTAKEN: Problem = {
  kind: "review-overtaken",
  tone: "warning",
  title: "Another review came first",
  text: "It is listed above, and yours was not sent. Read it first; then you can still review the diagnosis.",
};
