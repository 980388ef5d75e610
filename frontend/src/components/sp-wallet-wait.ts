import { LitElement, css, html } from "lit";
import { customElement, property } from "lit/decorators.js";
import { shared } from "../styles/shared";

/** The wait for a wallet's window, with what to do when the window is hidden or the wallet locked. */
@customElement("sp-wallet-wait")
export class WalletWait extends LitElement {
  static override styles = [
    shared,
    css`
      .busy {
        align-items: start;
      }
      .spinner {
        margin-top: 0.2em;
      }
    `,
  ];

  @property() wallet = "your wallet";
  /** What the person does in the window: "approve the connection". */
  @property() what = "";

  protected override render() {
    return html`<div class="busy" role="status">
      <span class="spinner"></span>
      <div>
        <p><strong>Waiting for ${this.wallet}</strong>: ${this.what} in its window.</p>
        <p class="soft small">${hintFor(this.wallet)}</p>
      </div>
    </div>`;
  }
}

/** How to find the window of a request that is open. */
export const hintFor = (wallet: string): string =>
  `No window? It may be behind this one. Else click the icon of ${wallet} in the browser's toolbar, or in the menu of the puzzle piece there. If ${wallet} asks for your password, it is locked: unlock it, and the request follows.`;
