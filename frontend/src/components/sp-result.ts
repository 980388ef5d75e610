import { LitElement, css, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { api } from "../api/client";
import type { Classification, Outline } from "../api/types";
import { percent } from "../format";
import { shared } from "../styles/shared";
import { icons } from "./icons";
import "./sp-hash";
import "./sp-next-steps";
import "./sp-outline-summary";
import "./sp-probabilities";

/** The model's result, its confidence, and the model. */
@customElement("sp-result")
export class Result extends LitElement {
  static override styles = [
    shared,
    css`
      .answer {
        padding-left: var(--space-4);
        border-left: 4px solid var(--accent);
      }
      .answer.abstained {
        border-left-color: var(--warning);
      }
      .label {
        font-size: var(--text-display);
        font-weight: 680;
        letter-spacing: -0.02em;
        line-height: 1.15;
        text-wrap: balance;
      }
      .notice {
        display: flex;
        gap: var(--space-2);
        padding: var(--space-2) var(--space-3);
        border: 1px solid var(--line-strong);
        border-radius: var(--radius-small);
        background: var(--sunken);
      }
      .weak {
        border-color: var(--warning);
        background: var(--warning-soft);
      }
      .terms {
        padding-top: var(--space-4);
        border-top: 1px solid var(--line);
      }
    `,
  ];

  @property({ attribute: false }) classification!: Classification;
  @property({ attribute: false }) outline: Outline | null = null;
  /** Null until they are known, so that no label is shown first and replaced a moment later. */
  @state() private words: Record<string, string> | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.loadWords();
  }

  protected override render() {
    const { abstained, label, probabilities, model, weak, sealed, nextSteps } = this.classification;
    return html`<div class="stack">
      ${abstained ? this.abstention() : this.answer()}
      <sp-outline-summary .outline=${this.outline}></sp-outline-summary>
      <p class="notice small" data-testid="result-notice">
        ${icons.info}<span><strong>A model's output is not a diagnosis.</strong></span>
      </p>
      ${sealed
        ? html`<p class="notice small" data-testid="result-sealed">
            ${icons.info}<span><strong>Sealed.</strong> Only you have this result: the server keeps no copy.</span>
          </p>`
        : nothing}
      ${weak
        ? html`<p class="notice weak small" data-testid="result-weak">
            ${icons.warning}<span><strong>A weak model.</strong> ${weak}</span>
          </p>`
        : nothing}
      <h3>${abstained ? "Probabilities, without an answer" : "Probabilities"}</h3>
      ${this.words &&
      html`<sp-probabilities
        .values=${probabilities}
        .words=${this.words}
        .top=${abstained ? null : label}
      ></sp-probabilities>`}
      <sp-next-steps .steps=${nextSteps}></sp-next-steps>
      <dl class="terms small">
        <dt>Model</dt>
        <dd>${model.name} ${model.version}</dd>
        <dt>Model hash</dt>
        <dd data-testid="model-hash"><sp-hash .value=${model.sha256} label="model hash"></sp-hash></dd>
        <dt>Manifest</dt>
        <dd data-testid="manifest-hash">
          <sp-hash
            .value=${this.classification.manifestHash}
            .href=${this.classification.links.manifest ?? null}
            label="manifest hash"
          ></sp-hash>
        </dd>
      </dl>
    </div>`;
  }

  private answer() {
    const { labelText, confidence } = this.classification;
    return html`<div class="answer">
      <p class="label" data-testid="result-label">${labelText}</p>
      <p class="soft">Confidence <strong data-testid="result-confidence">${percent(confidence)}</strong></p>
    </div>`;
  }

  private abstention() {
    const { reason } = this.classification;
    return html`<div class="answer abstained" data-testid="result-abstained">
      <p class="label" data-testid="result-label">No answer</p>
      <p>
        The model gave no answer: ${reason ?? "the image is unlike its training images"}.
      </p>
    </div>`;
  }

  private async loadWords(): Promise<void> {
    try {
      const models = await api.models();
      const model = models.find(({ sha256 }) => sha256 === this.classification.model.sha256);
      this.words = Object.fromEntries((model?.classes ?? []).map(({ label, text }) => [label, text]));
    } catch {
      this.words = {};
    }
  }
}
