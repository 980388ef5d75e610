import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { STEPS } from "../state/flow";
import { shared } from "../styles/shared";

/** Where the person is on the way from an image to a record. `current` is a place in STEPS, or past them: all done. */
@customElement("sp-steps")
export class Steps extends LitElement {
  static override styles = [
    shared,
    css`
      ol {
        display: flex;
        gap: var(--space-2);
      }
      li {
        flex: 1;
        display: flex;
        gap: var(--space-2);
        align-items: baseline;
        padding-top: var(--space-2);
        border-top: 3px solid var(--line);
        color: var(--ink-soft);
        font-size: var(--text-small);
      }
      li.done {
        border-top-color: var(--accent);
      }
      li[aria-current] {
        border-top-color: var(--accent);
        color: var(--ink);
        font-weight: 650;
      }
      .number {
        font-variant-numeric: tabular-nums;
      }
    `,
  ];

  @property({ type: Number }) current = 0;

  protected override render() {
    return html`<ol aria-label="Steps">
      ${STEPS.map((name, place) => {
        const done = place < this.current;
        return html`<li class=${done ? "done" : ""} aria-current=${place === this.current ? "step" : nothing}>
          <span class="number" aria-hidden="true">${place + 1}</span>${name}${done
            ? html`<span class="visually-hidden"> (done)</span>`
            : nothing}
        </li>`;
      })}
    </ol>`;
  }
}
