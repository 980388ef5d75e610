import { LitElement, css, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { announce, recoverFocus } from "../accessibility";
import type { Diagnosis, Model } from "../api/types";
import { isoTime, percent, time } from "../format";
import type { Opening } from "../state/opening";
import { modelResultOf, currentLabel, labelText, modelOf, nextSteps, STATUSES } from "../state/diagnosis-status";
import { shared } from "../styles/shared";
import "./sp-compromised";
import "./sp-hash";
import "./sp-next-steps";
import "./sp-opening";
import "./sp-probabilities";
import "./sp-status";

/** One diagnosis of a record: its valid result, what the model said, and the next steps. */
@customElement("sp-diagnosis")
export class DiagnosisPanel extends LitElement {
  static override styles = [
    shared,
    css`
      .label {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--space-2) var(--space-3);
        font-size: var(--text-large);
        font-weight: 650;
      }
    `,
  ];

  @property() cid = "";
  @property({ attribute: false }) diagnosis!: Diagnosis;
  @property({ attribute: false }) models: Model[] | null = null;
  /** Only the newest diagnosis shows next steps. */
  @property({ type: Boolean }) newest = false;
  @state() private opening: Opening | null = null;

  protected override updated(): void {
    recoverFocus(this.renderRoot);
  }

  protected override render() {
    const { sealed, status, model, modelId, manifestHash, issuedAt, compromisedSince } = this.diagnosis;
    const steps = this.newest ? nextSteps(this.diagnosis, modelOf(this.diagnosis, this.models), this.opening) : [];
    return html`<article class="stack" data-testid="diagnosis">
      <p class="label">${this.label()} <sp-status .status=${status}></sp-status></p>
      ${compromisedSince === null ? nothing : html`<sp-compromised .since=${compromisedSince}></sp-compromised>`}
      <p class="soft">${STATUSES[status].meaning} ${this.said()}</p>
      ${sealed ? this.seal() : nothing}
      <sp-next-steps .steps=${steps}></sp-next-steps>
      <dl class="terms small">
        <dt>Issued</dt>
        <dd><time datetime=${isoTime(issuedAt)}>${time(issuedAt)}</time></dd>
        <dt>Model</dt>
        <dd>${model ? `${model.name} ${model.version}` : "Not installed on this server"}</dd>
        <dt>Model id</dt>
        <dd><sp-hash .value=${modelId} label="model id"></sp-hash></dd>
        <dt>Manifest</dt>
        <dd>
          <sp-hash
            .value=${manifestHash}
            .href=${sealed ? null : `/api/v1/manifests/${manifestHash}`}
            label="manifest hash"
          ></sp-hash>
        </dd>
      </dl>
    </article>`;
  }

  private text(label: string): string {
    return labelText(label, modelOf(this.diagnosis, this.models));
  }

  private label() {
    const said = modelResultOf(this.diagnosis, this.opening);
    const { status } = this.diagnosis;
    if (status === "withdrawn") return html`<s>${said ? this.text(said.label) : "Sealed"}</s>`;
    const label = currentLabel(this.diagnosis, this.opening);
    if (label !== null) return this.text(label);
    return said ? "Another result, sealed" : "Sealed";
  }

  private said() {
    const said = modelResultOf(this.diagnosis, this.opening);
    if (!said) return nothing;
    const { label, labelCode, confidence } = said;
    return labelCode === 0
      ? nothing
      : html`The model said <strong>${this.text(label)}</strong>, confidence <strong>${percent(confidence)}</strong>.`;
  }

  private seal() {
    if (!this.opening) {
      return html`<sp-opening
        .cid=${this.cid}
        .diagnosis=${this.diagnosis}
        @opened=${this.opened}
      ></sp-opening>`;
    }
    const { probabilities, abstained, label } = this.opening;
    const words = Object.fromEntries(Object.keys(probabilities).map((name) => [name, this.text(name)]));
    return html`<div class="stack" data-testid="opened">
      <h3 tabindex="-1" data-focus>Opened in this browser</h3>
      <p class="small">The file matches the hash on the chain, so this is the sealed result. Other people still see “Sealed”.</p>
      <sp-probabilities .values=${probabilities} .words=${words} .top=${abstained ? null : label}></sp-probabilities>
    </div>`;
  }

  private opened({ detail }: CustomEvent<Opening>): void {
    this.opening = detail;
    announce(`The diagnosis is opened: ${this.text(detail.label)}`);
  }
}
