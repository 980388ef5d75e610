import { LitElement, css, html } from "lit";
import { customElement, property } from "lit/decorators.js";
import { isoTime, time } from "../format";
import { shared } from "../styles/shared";
import { tones } from "../styles/tones";

/** Says that a diagnosis proves nothing, because the key that signed it was no longer its classifier's own. */
@customElement("sp-compromised")
export class Compromised extends LitElement {
  static override styles = [
    shared,
    tones,
    css`
      p {
        padding: var(--space-3);
        border-inline-start: 4px solid var(--tone);
        border-radius: var(--radius);
        background: var(--tone-soft);
      }
    `,
  ];

  /** Since when, in Unix seconds. */
  @property({ type: Number }) since!: number;

  protected override render() {
    return html`<p class="danger" role="note" data-testid="compromised">
      <strong>Do not rely on this diagnosis.</strong> The registry's admin reports that the key that signed it was
      compromised since <time datetime=${isoTime(this.since)}>${time(this.since)}</time>: somebody else can have signed
      it.
    </p>`;
  }
}
