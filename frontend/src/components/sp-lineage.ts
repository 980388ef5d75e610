import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Lineage, Training } from "../api/types";
import { isoTime, time, whole } from "../format";
import { MODEL_STATUSES } from "../state/diagnosis-status";
import { shared } from "../styles/shared";
import "./sp-hash";

/** What the chain knows of one model: its registration, its card, and the trainings back to the first. */
@customElement("sp-lineage")
export class LineagePanel extends LitElement {
  static override styles = [
    shared,
    css`
      ol {
        display: grid;
        gap: var(--space-3);
      }
      li {
        padding: var(--space-3) var(--space-4);
        border-radius: var(--radius-small);
        background: var(--sunken);
      }
      .terms {
        margin-top: var(--space-2);
      }
    `,
  ];

  @property({ attribute: false }) lineage!: Lineage;

  protected override render() {
    const { modelId, name, status, registered, retired, card, trainings } = this.lineage;
    return html`<article class="stack" data-testid="lineage" data-status=${status}>
      <h3>${name ?? "A model that is not installed here"}</h3>
      <dl class="terms small">
        <dt>On the chain</dt>
        <dd>${MODEL_STATUSES[status]}</dd>
        <dt>Model id</dt>
        <dd><sp-hash .value=${modelId} label="model id"></sp-hash></dd>
        ${when("Registered", registered)} ${when("Retired", retired)}
        ${card
          ? html`<dt>Model card</dt>
              <dd>
                <sp-hash .value=${card.cid} label="CID of the model card"></sp-hash>
                ${card.available ? nothing : "(not in this server's store)"}
              </dd>`
          : nothing}
      </dl>
      ${trainings.length > 0
        ? html`<h4>Trainings, back to the first</h4>
            <ol>
              ${trainings.map(training)}
            </ol>`
        : html`<p class="small">No training of this model was anchored on the chain.</p>`}
    </article>`;
  }
}

function when(name: string, event: Lineage["registered"]) {
  if (!event) return nothing;
  const { transaction, block } = event;
  return html`<dt>${name}</dt>
    <dd>
      <time datetime=${isoTime(block.timestamp)}>${time(block.timestamp)}</time>, block ${whole(block.number)}, transaction
      <sp-hash brief .value=${transaction.hash} .href=${transaction.explorerUrl} label="transaction hash"></sp-hash>
    </dd>`;
}

function training(event: Training) {
  const { trainingId, modelId, parentModelId, participants, metricsHash } = event;
  return html`<li data-testid="training">
    <dl class="terms small">
      <dt>Training</dt>
      <dd><sp-hash .value=${trainingId} label="training id"></sp-hash></dd>
      <dt>Resulting model</dt>
      <dd><sp-hash .value=${modelId} label="model id"></sp-hash></dd>
      <dt>Starting model</dt>
      <dd>
        ${parentModelId === null
          ? "No model of this registry; see the model card"
          : html`<sp-hash .value=${parentModelId} label="parent model id"></sp-hash>`}
      </dd>
      <dt>Participants</dt>
      <dd>${whole(participants)}</dd>
      <dt>Hash of the figures</dt>
      <dd><sp-hash .value=${metricsHash} label="metrics hash"></sp-hash></dd>
      ${when("Anchored", event)}
    </dl>
  </li>`;
}
