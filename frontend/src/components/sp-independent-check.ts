import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { ChainConfig, ImageRecord } from "../api/types";
import { verifyCommand } from "../chain/verify-command";
import { shared } from "../styles/shared";

/** How anybody checks a record without this server: with a command, on an explorer, or from a file of evidence. */
@customElement("sp-independent-check")
export class IndependentCheck extends LitElement {
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
      <p>You need a copy of ScanProof, a node of the chain and the image, but not this server:</p>
      <pre tabindex="0" role="region" aria-label="Command"><code>${verifyCommand(imageId, this.chain)}</code></pre>
      ${diagnoses.some(({ sealed }) => sealed)
        ? html`<p>Add <code>--opening FILE</code> to check a sealed result as well.</p>`
        : nothing}
      ${development || rpcUrl ? nothing : html`<p class="soft small">Replace <code>RPC_URL</code> with a node of ${name} that you trust.</p>`}
      <p>
        ${development
          ? "No explorer shows this development chain. On a public chain, an explorer shows the same:"
          : html`Or on ${explorer}:`}
        the logs contain the event <code>ImageRegistered</code> of the contract <code>${contract}</code> with image id, uploader
        and CID${lastly}. The CID is a hash of the image's bytes: a changed image has a different CID.
      </p>
      <p>
        Or download everything in one file (image, receipts and proofs), and check it offline with
        <code>uv run scanproof verify --evidence FILE</code>. Such a check is <em>unanchored</em> until you compare the file's blocks with
        the chain, by <code>--rpc URL</code> or <code>--trusted-block HASH</code>: alone, a file only agrees with itself.
      </p>
      <p class="actions">
        <a class="button" href="/api/v1/records/${imageId}/evidence" download>Download the evidence</a>
      </p>
    </div>`;
  }
}
