import { LitElement, css, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { api } from "../api/client";
import type { Classification } from "../api/types";
import { disclosure } from "../styles/disclosure";
import { shared } from "../styles/shared";
import "./sp-hash";
import "./sp-kind";
import "./sp-next-steps";
import "./sp-probabilities";

/** What stands behind a result: the next steps, all probabilities, the model and its manifest. */
@customElement("sp-result-details")
export class ResultDetails extends LitElement {
  static override styles = [
    shared,
    disclosure,
    css`
      summary {
        font-weight: 650;
      }
      .terms {
        padding-top: var(--space-4);
        border-top: 1px solid var(--line);
      }
    `,
  ];

  @property({ attribute: false }) classification!: Classification;
  /** Null until they are known, so that no label is shown first and replaced a moment later. */
  @state() private words: Record<string, string> | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.loadWords();
  }

  protected override render() {
    const { abstained, model, manifestHash, links, nextSteps, kind } = this.classification;
    return html`<div class="stack">
      ${abstained ? nothing : html`<h3>Probabilities</h3>${this.probabilities()}`}
      <sp-next-steps .steps=${nextSteps}></sp-next-steps>
      ${abstained
        ? html`<details>
            <summary>What the network computed before it declined</summary>
            <p class="soft small">These numbers are not an answer: the image is outside what the model can judge.</p>
            ${this.probabilities()}
          </details>`
        : nothing}
      <h3>What kind of image</h3>
      <sp-kind .kind=${kind}></sp-kind>
      <dl class="terms small">
        <dt>Model</dt>
        <dd>${model.name} ${model.version}</dd>
        <dt>Model hash</dt>
        <dd data-testid="model-hash"><sp-hash .value=${model.sha256} label="model hash"></sp-hash></dd>
        <dt>Manifest</dt>
        <dd data-testid="manifest-hash">
          <sp-hash .value=${manifestHash} .href=${links.manifest ?? null} label="manifest hash"></sp-hash>
        </dd>
      </dl>
    </div>`;
  }

  private probabilities() {
    const { abstained, label, probabilities } = this.classification;
    return (
      this.words &&
      html`<sp-probabilities
        .values=${probabilities}
        .words=${this.words}
        .top=${abstained ? null : label}
      ></sp-probabilities>`
    );
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
