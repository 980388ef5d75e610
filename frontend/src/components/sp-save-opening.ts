import { LitElement, css, html } from "lit";
import { customElement, property } from "lit/decorators.js";
import { announce } from "../accessibility";
import type { Classification } from "../api/types";
import { download } from "../download";
import { shared } from "../styles/shared";
import { icons } from "./icons";

/** Saves the opening of a sealed result, of which there is no other copy. Event `saved`. */
@customElement("sp-save-opening")
export class SaveOpening extends LitElement {
  static override styles = [
    shared,
    css`
      .done {
        display: flex;
        gap: var(--space-2);
        color: var(--success);
      }
    `,
  ];

  @property({ attribute: false }) classification!: Classification;
  @property({ type: Boolean }) saved = false;

  protected override render() {
    return html`<div class="stack" data-testid="save-opening">
      <h3>The opening of the sealed result</h3>
      <p>
        Only this file can show and prove the result later. The server has no copy, and nobody can recreate a lost file.
        Give it only to people who may know the result.
      </p>
      ${this.saved ? html`<p class="done" role="status">${icons.success} Saved as a file. Keep it safe.</p>` : null}
      <div class="actions">
        <button class="button ${this.saved ? "" : "primary"}" type="button" @click=${this.save}>
          ${this.saved ? "Save the opening again" : "Save the opening"}
        </button>
      </div>
    </div>`;
  }

  private save(): void {
    const { manifestHash, opening } = this.classification;
    download(`scanproof-opening-${manifestHash.slice(2, 14)}.json`, opening ?? "");
    announce("The opening was saved as a file.");
    this.dispatchEvent(new CustomEvent("saved"));
  }
}
