import { LitElement, css, html, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { api } from "../api/client";
import { ApiProblem } from "../api/errors";
import type { Config, ImageRecord } from "../api/types";
import { auditCommand } from "../chain/audit";
import "../components/sp-add-diagnosis";
import "../components/sp-analysis";
import "../components/sp-diagnosis";
import "../components/sp-hash";
import "../components/sp-notice";
import "../components/sp-verification";
import "../components/sp-viewer";
import { isoTime, time, whole } from "../format";
import { describe, type Problem } from "../state/problems";
import { shared } from "../styles/shared";

const NO_COMMITMENT = /^0x0{64}$/;

/** `/records/<imageId>`: who recorded what and when, and how to check it. */
@customElement("sp-record")
export class RecordPage extends LitElement {
  static override styles = [
    shared,
    css`
      .columns {
        display: grid;
        grid-template-columns: minmax(0, 4fr) minmax(0, 7fr);
        gap: var(--space-6);
        align-items: start;
      }
      pre {
        margin: 0;
        padding: var(--space-3) var(--space-4);
        border-radius: var(--radius-small);
        background: var(--sunken);
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      sp-diagnosis + sp-diagnosis {
        padding-top: var(--space-4);
        border-top: 1px solid var(--line);
      }
      @media (max-width: 52rem) {
        .columns {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ];

  @property() imageId = "";
  @property({ attribute: false }) config!: Config;
  @state() private record: ImageRecord | null = null;
  @state() private problem: Problem | null = null;
  @state() private missing = false;
  /** Counts what was added from this page: the checks then run again. */
  @state() private additions = 0;

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("imageId")) return;
    this.record = null;
    void this.load();
  }

  protected override render() {
    if (this.missing) return this.noRecord();
    return html`<div class="stack">
      <h1 tabindex="-1">Provenance record</h1>
      ${this.problem
        ? html`<sp-notice level="2" .problem=${this.problem}>
            <button class="button" type="button" @click=${() => void this.load()}>Try again</button>
          </sp-notice>`
        : nothing}
      ${this.record ? this.found(this.record) : nothing}
      ${!this.record && !this.problem ? html`<p class="busy soft"><span class="spinner"></span>Loading …</p>` : nothing}
    </div>`;
  }

  private found(record: ImageRecord) {
    const { diagnoses } = record;
    return html`
      <section class="panel columns" aria-label="The image">
        ${this.image(record)} ${this.facts(record)}
      </section>
      <section class="panel stack">
        <h2>${diagnoses.length > 0 ? "Diagnoses" : "Record the diagnosis"}</h2>
        ${diagnoses.length > 0
          ? html`<p class="soft small">${this.config.notice}</p>
              ${diagnoses.map((diagnosis) => html`<sp-diagnosis .diagnosis=${diagnosis}></sp-diagnosis>`)}`
          : html`<p>No diagnosis has been recorded.</p>
              <sp-add-diagnosis .record=${record} .config=${this.config} @recorded=${this.added}></sp-add-diagnosis>`}
      </section>
      ${record.imageAvailable
        ? html`<section class="panel"><sp-analysis .cid=${record.cid}></sp-analysis></section>`
        : nothing}
      <section class="panel stack">
        <h2>Verification</h2>
        <sp-verification .imageId=${record.imageId} .additions=${this.additions}></sp-verification>
      </section>
      ${this.byYourself(record)}
    `;
  }

  private image({ cid, imageAvailable }: ImageRecord) {
    return imageAvailable
      ? html`<sp-viewer src="/api/v1/images/${cid}/content" alt="The recorded image"></sp-viewer>`
      : html`<sp-notice
          .problem=${{
            kind: "image-unavailable",
            tone: "warning",
            title: "The image is not here",
            text: "This server does not have the bytes of this CID. The record stands all the same; whoever has the file can verify it.",
          } satisfies Problem}
        ></sp-notice>`;
  }

  private facts({ imageId, cid, uploader, commitment, transaction, block }: ImageRecord) {
    return html`<dl class="terms">
      <dt>Recorded</dt>
      <dd data-testid="record-time"><time datetime=${isoTime(block.timestamp)}>${time(block.timestamp)}</time></dd>
      <dt>Uploader</dt>
      <dd data-testid="record-uploader"><sp-hash .value=${uploader} label="uploader"></sp-hash></dd>
      <dt>CID</dt>
      <dd data-testid="record-cid"><sp-hash .value=${cid} label="CID"></sp-hash></dd>
      <dt>Image id</dt>
      <dd data-testid="record-image-id"><sp-hash .value=${imageId} label="image id"></sp-hash></dd>
      <dt>Block</dt>
      <dd data-testid="record-block">${whole(block.number)}</dd>
      <dt>Block hash</dt>
      <dd><sp-hash .value=${block.hash} label="block hash"></sp-hash></dd>
      <dt>Transaction</dt>
      <dd data-testid="record-transaction">
        <sp-hash .value=${transaction.hash} .href=${transaction.explorerUrl} label="transaction hash"></sp-hash>
      </dd>
      <dt>Commitment</dt>
      <dd>
        ${NO_COMMITMENT.test(commitment) ? "None" : html`<sp-hash .value=${commitment} label="commitment"></sp-hash>`}
      </dd>
    </dl>`;
  }

  private byYourself({ imageId, transaction, diagnoses }: ImageRecord) {
    const { name, contract, development, rpcUrl } = this.config.chain;
    const lastly = diagnoses.length > 0 ? html`, and <code>DiagnosisRecorded</code> with label, confidence, manifest hash and the classifier's signature` : nothing;
    return html`<section class="panel stack">
      <h2>Check it yourself</h2>
      <p>Without this server, with nothing but the chain's node and the image:</p>
      <pre tabindex="0" role="region" aria-label="Command"><code>${auditCommand(imageId, this.config.chain)}</code></pre>
      ${development || rpcUrl ? nothing : html`<p class="soft small"><code>RPC_URL</code> is any node of ${name} that you trust.</p>`}
      <p>
        ${development
          ? html`This is a development chain, which no explorer shows. On a public chain the same can be read there:`
          : html`Or on ${transaction.explorerUrl ? html`<a href=${transaction.explorerUrl} target="_blank" rel="noopener noreferrer">the explorer of ${name}</a>` : `an explorer of ${name}`}:`}
        the logs of the transaction hold the event <code>ImageRegistered</code> of the contract
        <code>${contract}</code> with image id, uploader and CID${lastly}. The CID is a hash of the image's bytes: a changed
        image has another one.
      </p>
    </section>`;
  }

  private noRecord() {
    return html`<div class="stack">
      <h1 tabindex="-1">No such record</h1>
      <p class="lead">The contract has no image with this id.</p>
      <p class="mono">${this.imageId}</p>
      <div class="actions">
        <a class="button" href="/records">Look through the records</a>
      </div>
    </div>`;
  }

  private async load(): Promise<void> {
    const { imageId } = this;
    this.problem = null;
    this.missing = false;
    try {
      const record = await api.record(imageId);
      if (imageId === this.imageId) this.record = record;
    } catch (error) {
      if (imageId !== this.imageId) return;
      // An id that is no id at all is refused as invalid; for the person there is no such record either way.
      this.missing = error instanceof ApiProblem && (error.status === 404 || error.status === 400);
      if (!this.missing) this.problem = describe(error);
    }
  }

  private async added(): Promise<void> {
    await this.load();
    this.additions += 1;
  }
}
