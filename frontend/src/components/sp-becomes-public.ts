import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Config } from "../api/types";
import type { Scope } from "../chain/registry";
import { storeName } from "../format";
import { choices } from "../styles/choices";
import { shared } from "../styles/shared";

/** What everybody will see, and the choice to seal the result. Event `sealing` with whether it is to be sealed. */
@customElement("sp-becomes-public")
export class BecomesPublic extends LitElement {
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

  protected override render() {
    return html`<section class="stack" aria-labelledby="title" data-testid="becomes-public">
      <h3 id="title">What becomes public</h3>
      ${this.scope === "image" ? nothing : this.choice()}
      <ul class="facts small">
        <li><strong>${this.place()}:</strong> ${this.stored()}</li>
        <li><strong>On ${this.config.chain.name}, for everybody and for ever:</strong> ${this.written()}</li>
        ${this.sealed && this.scope !== "image"
          ? html`<li>
              <strong>Sealing hides what the record says, not what the image shows:</strong> the image is public, so
              anybody can run the same model on it and get the same answer.
            </li>`
          : nothing}
      </ul>
    </section>`;
  }

  private choice() {
    const found: [sealed: boolean, name: string, text: string][] = [
      [false, "Public result", "Everybody can read label and confidence on the chain."],
      [true, "Sealed result", "The chain holds a salted hash. You keep the opening and show it to whom you choose."],
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
              ? "The other choice classifies the image again and makes the result public."
              : "The other choice classifies the image again. The manifest of the result above was published already and stays so."}
          </p>`
        : nothing}
    </fieldset>`;
  }

  private place(): string {
    const { storage } = this.config;
    return storage.public ? `On IPFS, for everybody and as long as anybody keeps it` : `In ${storeName(storage)}, for whoever asks for it`;
  }

  private stored(): string {
    const image = "the image itself under its CID, without metadata such as EXIF";
    const unclassified = this.scope === "image" && !this.classified;
    if (this.sealed || unclassified) return `${image}. Nothing of the result.`;
    // It is published as soon as the image is classified, whatever is signed then.
    return `${image}; the manifest with the label, the confidence, all probabilities and the model.`;
  }

  private written(): string {
    const always = "the CID of the image, your account and the time";
    if (this.scope === "image") return `${always}. Nothing of the result.`;
    if (this.sealed) {
      return `${always}; which model was asked; in place of label and confidence the hash of the manifest, which holds 32 random bytes, so that nobody can find it by trying.`;
    }
    return `${always}; which model was asked, its label and confidence; the hash of the manifest.`;
  }
}
