import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Diagnosis } from "../api/types";
import { isoTime, percent, time, whole } from "../format";
import { shared } from "../styles/shared";
import "./sp-hash";

/** One diagnosis of a record, as it is on the chain. */
@customElement("sp-diagnosis")
export class DiagnosisPanel extends LitElement {
  static override styles = [
    shared,
    css`
      .label {
        font-size: var(--text-large);
        font-weight: 650;
      }
      .terms {
        margin-top: var(--space-3);
      }
    `,
  ];

  @property({ attribute: false }) diagnosis!: Diagnosis;

  protected override render() {
    const { labelText, labelCode, confidence, model, modelId, manifestHash, issuedAt, classifier, transaction, block } =
      this.diagnosis;
    return html`<article data-testid="diagnosis">
      <p class="label">${labelText}</p>
      <p class="soft">
        ${labelCode === 0 ? nothing : html`Confidence <strong>${percent(confidence)}</strong> · `}issued
        <time datetime=${isoTime(issuedAt)}>${time(issuedAt)}</time>
      </p>
      <dl class="terms small">
        <dt>Model</dt>
        <dd>${model ? `${model.name} ${model.version}` : "Not installed on this server"}</dd>
        <dt>Model id</dt>
        <dd><sp-hash .value=${modelId} label="model id"></sp-hash></dd>
        <dt>Manifest</dt>
        <dd><sp-hash .value=${manifestHash} href="/api/v1/manifests/${manifestHash}" label="manifest hash"></sp-hash></dd>
        <dt>Classifier</dt>
        <dd><sp-hash .value=${classifier} label="classifier"></sp-hash></dd>
        <dt>Transaction</dt>
        <dd><sp-hash .value=${transaction.hash} .href=${transaction.explorerUrl} label="transaction hash"></sp-hash></dd>
        <dt>Block</dt>
        <dd>${whole(block.number)}, <time datetime=${isoTime(block.timestamp)}>${time(block.timestamp)}</time></dd>
      </dl>
    </article>`;
  }
}
