import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { announce } from "../accessibility";
import { short } from "../format";
import { shared } from "../styles/shared";
import { icons } from "./icons";

/** A hash, an address or a CID: in full or with its two ends, with a link where there is one, and a button to copy it. */
@customElement("sp-hash")
export class Hash extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        display: inline;
      }
      .copy {
        display: inline-flex;
        padding: 0.3rem;
        margin: -0.3rem 0;
        border: 0;
        border-radius: var(--radius-small);
        background: none;
        color: var(--ink-soft);
        vertical-align: text-bottom;
        cursor: pointer;
      }
      .copy:hover {
        background: var(--accent-soft);
        color: var(--accent);
      }
      .copy .icon {
        width: 1rem;
        height: 1rem;
      }
    `,
  ];

  @property() value = "";
  /** What the value is, for the names of button and link: `CID`, `transaction hash`. */
  @property() label = "";
  @property() href: string | null = null;
  @property({ type: Boolean }) brief = false;

  protected override render() {
    const text = html`<code title=${this.brief ? this.value : nothing}>${this.brief ? short(this.value) : this.value}</code>`;
    const external = this.href?.startsWith("http");
    const link = html`<a
      href=${this.href ?? nothing}
      target=${external ? "_blank" : nothing}
      rel=${external ? "noopener noreferrer" : nothing}
      >${text}${external ? html`<span class="visually-hidden"> (opens the explorer)</span>` : nothing}</a
    >`;
    return html`${this.href ? link : text}<button class="copy" type="button" aria-label="Copy ${this.label}" @click=${this.copy}>
        ${icons.copy}
      </button>`;
  }

  private async copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.value);
      announce(`${this.label} copied`);
    } catch {
      announce(`${this.label} could not be copied: the browser does not allow it`);
    }
  }
}
