import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Classification } from "../api/types";
import { percent } from "../format";
import { magnificationWarning } from "../state/kind";
import { shared } from "../styles/shared";
import { icons } from "./icons";

/** `kind` and `expectedMagnification` are what the server knows of an uploaded image. */
export type ShownResult = Pick<Classification, "abstained" | "weak" | "sealed" | "labelText" | "confidence" | "reason"> &
  Partial<Pick<Classification, "kind" | "expectedMagnification" | "tiles">>;

/** The model's result, its confidence, and what limits it. */
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
      .stack > * + * {
        margin-top: var(--space-3);
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
    `,
  ];

  @property({ attribute: false }) classification!: ShownResult;

  protected override render() {
    const { abstained, weak, sealed, kind, expectedMagnification, tiles } = this.classification;
    // The fields of a slide are scaled to the size of a pixel that the model knows.
    const magnification = kind && !tiles ? magnificationWarning(expectedMagnification ?? null, kind) : null;
    return html`<div class="stack">
      ${abstained ? this.abstention() : this.answer()}
      ${sealed
        ? html`<p class="notice small" data-testid="result-sealed">
            ${icons.info}<span><strong>Sealed.</strong> Only you have this result: the server keeps no copy.</span>
          </p>`
        : nothing}
      ${weak && !abstained
        ? html`<p class="notice weak small" data-testid="result-weak">
            ${icons.warning}<span><strong>A weak model.</strong> ${weak}</span>
          </p>`
        : nothing}
      ${magnification
        ? html`<p class="notice weak small" data-testid="result-magnification">
            ${icons.warning}<span><strong>Magnification.</strong> ${magnification}</span>
          </p>`
        : nothing}
    </div>`;
  }

  private answer() {
    const { labelText, confidence } = this.classification;
    return html`<div class="answer">
      <p class="headline" data-testid="result-label">${labelText}</p>
      <p class="soft">Confidence <strong data-testid="result-confidence">${percent(confidence)}</strong></p>
      <p class="soft small" data-testid="result-notice">A model's output is not a diagnosis.</p>
    </div>`;
  }

  private abstention() {
    const { reason } = this.classification;
    return html`<div class="answer abstained" data-testid="result-abstained">
      <p class="headline" data-testid="result-label">No answer</p>
      <p>The model gave no answer: ${reason ?? "the image is unlike its training images"}.</p>
    </div>`;
  }
}
