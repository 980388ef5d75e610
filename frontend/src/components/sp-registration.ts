import { LitElement, css, html } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { ImageRecord } from "../api/types";
import { isoTime, time, whole } from "../format";
import { shared } from "../styles/shared";
import "./sp-hash";
import "./sp-kind";

const NO_COMMITMENT = /^0x0{64}$/;

/** The registration of an image as the chain has it: who, when, which bytes, where. */
@customElement("sp-registration")
export class Registration extends LitElement {
  static override styles = [
    shared,
    css`
      sp-kind {
        margin-bottom: var(--space-4);
      }
    `,
  ];

  @property({ attribute: false }) record!: ImageRecord;

  protected override render() {
    const { imageId, cid, uploader, commitment, transaction, block, kind } = this.record;
    return html`<sp-kind .kind=${kind}></sp-kind>
      <dl class="terms">
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
}
