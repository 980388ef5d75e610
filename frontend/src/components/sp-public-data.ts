import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Config } from "../api/types";
import type { Scope } from "../chain/registry";
import { storeName } from "../format";
import { choices } from "../styles/forms";
import { shared } from "../styles/shared";

/** What becomes public, and the choice to seal the result. Event `sealing` with whether it is to be sealed. */
@customElement("sp-public-data")
export class PublicData extends LitElement {
  static override styles = [
    shared,
    choices,
    css`
      ul ul,
      .facts {
        display: grid;
        gap: var(--space-3);
      }
      .facts li {
        padding-left: var(--space-4);
        border-left: 3px solid var(--line-strong);
      }
    `,
  ];

  @property({ attribute: false }) config!: Config;
  @property() scope: Scope = "both";
  @property({ type: Boolean }) sealed = false;
  /** Whether there is a result already, so that another choice classifies the image again. */
  @property({ type: Boolean }) classified = false;
  @property({ type: Boolean }) disabled = false;
  /** Of a study, whose result cannot be sealed. */
  @property({ type: Boolean }) study = false;

  protected override render() {
    return html`<section class="stack" aria-labelledby="title" data-testid="public-data">
      <h3 id="title">What becomes public</h3>
      ${this.scope === "image" || this.study ? nothing : this.choice()}
      <ul class="facts small">
        <li><strong>${this.place()}:</strong> ${this.stored()}</li>
        <li><strong>On ${this.config.chain.name}, public and permanent:</strong> ${this.written()}</li>
        ${this.sealed && this.scope !== "image"
          ? html`<li>
              <strong>Sealing hides the result, not the image:</strong> the image is public, so anybody can run the same
              model on it and get the same result.
            </li>`
          : nothing}
      </ul>
    </section>`;
  }

  private choice() {
    const found: [sealed: boolean, name: string, text: string][] = [
      [false, "Public result", "Anybody can read the label and the confidence on the chain."],
      [true, "Sealed result", "The chain holds a salted hash. You keep the opening, a file, and decide who sees it."],
    ];
    return html`<fieldset role="radiogroup" aria-labelledby="title">
      <div class="choices">
        ${found.map(
          ([sealed, name, text]) => html`<label class="choice">
            <input
              type="radio"
              name="sealed"
              .checked=${sealed === this.sealed}
              ?disabled=${this.disabled}
              aria-label=${name}
              aria-describedby="about-${sealed}"
              @change=${() => this.dispatchEvent(new CustomEvent("sealing", { detail: sealed }))}
            />
            <span>${name}</span>
            <span class="soft small" id="about-${sealed}">${text}</span>
          </label>`,
        )}
      </div>
      ${this.classified
        ? html`<p class="soft small">
            ${this.sealed
              ? "If you switch, the image is classified again and the result becomes public."
              : "If you switch, the image is classified again. The manifest of the result above is already public and stays public."}
          </p>`
        : nothing}
    </fieldset>`;
  }

  private place(): string {
    const { storage } = this.config;
    return storage.public ? "On IPFS, public for as long as anybody keeps a copy" : `In ${storeName(storage)}, readable by anybody who can reach this server`;
  }

  private stored(): string {
    if (this.study) return "every image under its CID, without metadata such as EXIF; the list of slices with every result; all manifests.";
    const image = "the image itself under its CID, without metadata such as EXIF";
    const unclassified = this.scope === "image" && !this.classified;
    if (this.sealed || unclassified) return `${image}. No part of the result.`;
    // It is published as soon as the image is classified, whatever is signed then.
    return `${image}; the manifest with the label, the confidence, all probabilities and the model.`;
  }

  private written(): string {
    if (this.study) return "the CID of the study, your account and the time; the model, the label and confidence of the summary, and the hash of the study manifest.";
    const always = "the CID of the image, your account and the time";
    if (this.scope === "image") return `${always}. No part of the result.`;
    if (this.sealed) {
      return `${always}; the model; instead of label and confidence, the hash of the manifest, which contains 32 random bytes so that nobody can guess it.`;
    }
    return `${always}; the model, its label and confidence, and the hash of the manifest.`;
  }
}
