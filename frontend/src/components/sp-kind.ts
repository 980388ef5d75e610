import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Kind } from "../api/types";
import { kindRows } from "../state/kind";
import { shared } from "../styles/shared";

/** What kind of image it is, each value with its source. */
@customElement("sp-kind")
export class KindList extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        display: block;
      }
    `,
  ];

  @property({ attribute: false }) kind!: Kind;

  protected override render() {
    return html`<dl class="terms small" data-testid="kind">
      ${kindRows(this.kind).map(
        ({ name, title, text, source, others }) => html`<dt>${title}</dt>
          <dd data-testid="kind-${name}">
            ${others.length > 0 ? html`<strong>Sources differ:</strong> ` : nothing}${statement(text, source)}${others.map(
              (other) => html`; ${statement(other.text, other.source)}`,
            )}
          </dd>`,
      )}
    </dl>`;
  }
}

function statement(text: string, source: string) {
  return html`${text}${source ? html` <span class="soft">(${source})</span>` : nothing}`;
}
