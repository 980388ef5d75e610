import { LitElement, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Config } from "../api/types";
import type { Answers, Question } from "../api/upload";
import { storeName, whole } from "../format";
import { shared } from "../styles/shared";

/** What the server asks before it pins. Events: `answer` with Answers, `other`. */
@customElement("sp-upload-question")
export class UploadQuestion extends LitElement {
  static override styles = shared;

  @property({ attribute: false }) question!: Question;
  @property({ attribute: false }) config!: Config;
  /** Whether the server can make places of this file black. */
  @property({ type: Boolean }) maskable = false;

  protected override render() {
    const places = this.question.about === "text" ? this.question.boxes.length : null;
    return html`<div class="stack" data-testid="question">
      ${places === null ? this.kind() : this.text(places)}
      <div class="actions">
        ${places && this.maskable ? this.answer("Make the text black", { text: "mask" }, true) : nothing}
        ${places === null
          ? this.answer("Pin it all the same", { pinAnyway: true })
          : this.answer("It identifies nobody: keep it", { text: "keep" })}
        <button class="button" type="button" @click=${() => this.dispatchEvent(new CustomEvent("other"))}>
          Choose another image
        </button>
      </div>
    </div>`;
  }

  private text(places: number) {
    return html`<h3>Is there a name in this picture?</h3>
      <p>
        ${places === 0
          ? "The server could not look for text in it."
          : `The picture seems to show text in ${places === 1 ? "one place" : `${whole(places)} places`}, outlined here.`}
        Nothing was pinned. Look at the whole picture: names, numbers and dates may identify the patient
        ${this.config.storage.public ? "to everybody, permanently" : ""}.
      </p>`;
  }

  private kind() {
    return html`<h3>Is this a medical image?</h3>
      <p>
        It is recognised as no known kind, perhaps a photo or a screenshot. Nothing was pinned. On
        ${storeName(this.config.storage)} it would be public permanently.
      </p>`;
  }

  private answer(label: string, detail: Answers, primary = false) {
    const chosen = () => this.dispatchEvent(new CustomEvent<Answers>("answer", { detail }));
    return html`<button class="button ${primary ? "primary" : ""}" type="button" @click=${chosen}>${label}</button>`;
  }
}
