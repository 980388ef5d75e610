import { LitElement, html } from "lit";
import { customElement } from "lit/decorators.js";
import { shared } from "../styles/shared";

@customElement("sp-not-found")
export class NotFoundPage extends LitElement {
  static override styles = shared;

  protected override render() {
    return html`<div class="stack">
      <h1 tabindex="-1">Page not found</h1>
      <p class="lead">There is nothing at this address.</p>
      <div class="actions">
        <a class="button primary" href="/">Record a medical image</a>
        <a class="button" href="/records">Browse the records</a>
      </div>
    </div>`;
  }
}
