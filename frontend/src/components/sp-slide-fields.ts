import { LitElement, css, html } from "lit";
import { customElement, property, queryAll } from "lit/decorators.js";
import { colourOf, summaryOf, textOf, type Field } from "../state/slide";
import { shared } from "../styles/shared";
import { fieldColours } from "./field-colours";
import { TabStop } from "./tab-stop";

/** The fields of a slide that a model read, with its answers. Event `field` with the one that is chosen. */
@customElement("sp-slide-fields")
export class SlideFields extends LitElement {
  static override styles = [
    shared,
    fieldColours,
    css`
      ol {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(13rem, 100%), 1fr));
        gap: var(--space-1);
        max-height: 13.5rem;
        margin-top: var(--space-2);
        padding: var(--space-1);
        overflow-y: auto;
      }
      button {
        display: flex;
        align-items: center;
        gap: var(--space-2);
        width: 100%;
        min-height: 2.25rem;
        padding: var(--space-1) var(--space-2);
        border: 1px solid transparent;
        border-radius: var(--radius-small);
        background: transparent;
        color: var(--ink);
        font: inherit;
        font-size: var(--text-small);
        font-variant-numeric: tabular-nums;
        text-align: left;
        cursor: pointer;
      }
      button:hover {
        background: var(--sunken);
      }
      button[aria-current="true"] {
        border-color: var(--accent);
        background: var(--accent-soft);
      }
      .mark {
        flex: none;
        width: 1.25rem;
        height: 1.25rem;
        padding: 0.25rem;
        border-radius: 0.1875rem;
        background: var(--viewer);
      }
      .mark span {
        display: block;
        height: 100%;
        border: 2px solid var(--field);
      }
      .none .mark span {
        border-style: dashed;
      }
      .number {
        min-width: 1.25rem;
        color: var(--ink-soft);
        text-align: right;
      }
      @media (pointer: coarse) {
        button {
          min-height: 2.75rem;
        }
      }
      @media print {
        ol {
          max-height: none;
        }
      }
    `,
  ];

  @property({ attribute: false }) fields: readonly Field[] = [];
  @property({ attribute: false }) current: Field | null = null;
  @queryAll("button") private buttons!: NodeListOf<HTMLButtonElement>;
  private readonly tabStop = new TabStop(() => this.buttons, true);

  protected override updated(): void {
    this.tabStop.update();
  }

  protected override render() {
    return html`<section aria-label="Fields" data-testid="fields">
      <p class="small">The model read ${summaryOf(this.fields)}. Choose one to look at it.</p>
      <ol @keydown=${this.tabStop.pressed} @focusin=${this.tabStop.focused}>
        ${this.fields.map(
          (field, index) => html`<li>
            <button
              class=${colourOf(field)}
              type="button"
              aria-current=${String(field === this.current)}
              @click=${() => this.dispatchEvent(new CustomEvent("field", { detail: field }))}
            >
              <span class="mark"><span></span></span>
              <span class="number">${index + 1}</span>
              <span>${textOf(field)}</span>
            </button>
          </li>`,
        )}
      </ol>
    </section>`;
  }
}
