import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { ChainConfig, ImageRecord } from "../api/types";
import { auditCommand } from "../chain/audit";
import { shared } from "../styles/shared";

/** How anybody checks a record without this server: with a command, on an explorer, or from a file of evidence. */
@customElement("sp-by-yourself")
export class ByYourself extends LitElement {
  static override styles = [
    shared,
    css`
      pre {
        margin: 0;
        padding: var(--space-3) var(--space-4);
        border-radius: var(--radius-small);
        background: var(--sunken);
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
    `,
  ];

  @property({ attribute: false }) record!: ImageRecord;
  @property({ attribute: false }) chain!: ChainConfig;

  protected override render() {
    const { imageId, transaction, diagnoses } = this.record;
    const { name, contract, development, rpcUrl } = this.chain;
    const lastly =
      diagnoses.length > 0
        ? html`, <code>DiagnosisRecorded</code> with label, confidence, manifest hash and the classifier's signature, and
            <code>DiagnosisReviewed</code> for each review`
        : nothing;
    const explorer = transaction.explorerUrl
      ? html`<a href=${transaction.explorerUrl} target="_blank" rel="noopener noreferrer">the explorer of ${name}</a>`
      : `an explorer of ${name}`;
    return html`<div class="stack">
      <p>Without this server, with nothing but a copy of ScanProof, the chain's node and the image:</p>
      <pre tabindex="0" role="region" aria-label="Command"><code>${auditCommand(imageId, this.chain)}</code></pre>
      ${diagnoses.some(({ sealed }) => sealed)
        ? html`<p>With <code>--opening FILE</code> it checks what is sealed, too.</p>`
        : nothing}
      ${development || rpcUrl ? nothing : html`<p class="soft small"><code>RPC_URL</code> is any node of ${name} that you trust.</p>`}
      <p>
        ${development
          ? "This is a development chain, which no explorer shows. On a public chain the same can be read there:"
          : html`Or on ${explorer}:`}
        the logs hold the event <code>ImageRegistered</code> of the contract <code>${contract}</code> with image id, uploader
        and CID${lastly}. The CID is a hash of the image's bytes: a changed image has another one.
      </p>
      <p>
        Or all of it in one file, image, receipts and proofs included, which
        <code>uv run scanproof verify --evidence FILE</code> checks without any network:
      </p>
      <p class="actions">
        <a class="button" href="/api/v1/records/${imageId}/evidence" download>Download the evidence</a>
      </p>
    </div>`;
  }
}
