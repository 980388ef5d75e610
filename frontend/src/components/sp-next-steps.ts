import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { NextStep } from "../api/types";
import { shared } from "../styles/shared";

/** What a person may do after a result, each sentence with its source. */
@customElement("sp-next-steps")
export class NextSteps extends LitElement {
  static override styles = [
    shared,
    css`
      li {
        max-width: 46rem;
        padding-block: var(--space-2);
        text-wrap: pretty;
      }
      li + li {
        border-top: 1px solid var(--line);
      }
      .source {
        display: block;
      }
    `,
  ];

  @property({ attribute: false }) steps: NextStep[] = [];

  protected override render() {
    if (this.steps.length === 0) return nothing;
    return html`<h3>What to do next</h3>
      <ul data-testid="next-steps">
        ${this.steps.map(
          ({ text, reference: { title, publisher, url } }) => html`<li>
            ${text}
            <span class="source small soft">
              Source: <a href=${url} target="_blank" rel="noopener noreferrer">${title}</a>, ${publisher}
            </span>
          </li>`,
        )}
      </ul>`;
  }
}
