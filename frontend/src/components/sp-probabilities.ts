import { LitElement, css, html, svg } from "lit";
import { customElement, property } from "lit/decorators.js";
import { percent, sentence } from "../format";
import { shared } from "../styles/shared";

/** All probabilities of a result, the highest first, as bars beside their numbers. */
@customElement("sp-probabilities")
export class Probabilities extends LitElement {
  static override styles = [
    shared,
    css`
      ul {
        display: grid;
        gap: var(--space-3);
      }
      li {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: var(--space-1) var(--space-3);
      }
      .value {
        font-variant-numeric: tabular-nums;
      }
      li.top {
        font-weight: 650;
      }
      svg {
        grid-column: 1 / -1;
        width: 100%;
        height: 0.5rem;
        border-radius: 1rem;
        background: var(--sunken);
      }
      rect {
        fill: var(--line-strong);
      }
      .top rect {
        fill: var(--accent);
      }
    `,
  ];

  /** Label to probability in [0, 1]. */
  @property({ attribute: false }) values: Record<string, number> = {};
  /** Label to its words; labels without words are shown as they are. */
  @property({ attribute: false }) words: Record<string, string> = {};
  /** The label of the answer, or null when the model abstained. */
  @property() top: string | null = null;

  protected override render() {
    const sorted = Object.entries(this.values).sort(([, a], [, b]) => b - a);
    return html`<ul aria-label="Probabilities">
      ${sorted.map(
        ([label, value]) => html`<li data-testid="probability" class=${label === this.top ? "top" : ""}>
          <span>${this.words[label] ?? sentence(label)}</span>
          <span class="value">${percent(value)}</span>
          <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
            ${svg`<rect width=${value * 100} height="1" />`}
          </svg>
        </li>`,
      )}
    </ul>`;
  }
}
