import { LitElement, css, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { announce } from "../accessibility";
import type { Originals } from "../dicom/identity-map";
import { download } from "../download";
import { fields } from "../styles/forms";
import { shared } from "../styles/shared";
import { icons } from "./icons";

/** As in backend/adapters/dicom/map_locks.py. */
const SHORTEST_PASSPHRASE = 12;

/** Saves the map from the new UIDs to the original ones as a file, encrypted with a passphrase. Event `saved`. */
@customElement("sp-save-map")
export class SaveMap extends LitElement {
  static override styles = [
    shared,
    fields,
    css`
      form {
        display: grid;
        gap: var(--space-3);
        justify-items: start;
      }
      label {
        display: grid;
        gap: var(--space-1);
        width: min(100%, 22rem);
      }
      .done {
        display: flex;
        gap: var(--space-2);
        color: var(--success);
      }
      .wrong {
        color: var(--danger);
      }
    `,
  ];

  @property({ attribute: false }) originals: Originals[] = [];
  @state() private saved = "";
  @state() private busy = false;
  @state() private wrong = "";

  protected override render() {
    return html`<form class="stack" novalidate data-testid="save-map" @submit=${this.submitted}>
      <h3>The map back to the original study</h3>
      <p class="small">
        What comes back names new UIDs. Without this map the result cannot be filed under the original study. It is made in this
        page, encrypted with your passphrase, and not sent. Keep file and passphrase: nobody can recover them.
      </p>
      <label class="small">
        Passphrase, at least ${SHORTEST_PASSPHRASE} characters
        <input type="password" name="passphrase" autocomplete="new-password" ?disabled=${this.busy} aria-describedby="wrong" />
      </label>
      <label class="small">
        Passphrase again
        <input type="password" name="again" autocomplete="new-password" ?disabled=${this.busy} aria-describedby="wrong" />
      </label>
      <p class="small wrong" id="wrong" role="alert">${this.wrong}</p>
      ${this.saved ? html`<p class="small done" role="status">${icons.success} Saved as ${this.saved}.</p>` : nothing}
      <button class="button" type="submit" ?disabled=${this.busy}>
        ${this.busy ? "Making the map …" : this.saved ? "Save the map again" : "Save the map"}
      </button>
    </form>`;
  }

  private async submitted(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const passphrase = form.get("passphrase");
    this.wrong = "";
    if (typeof passphrase !== "string" || passphrase.length < SHORTEST_PASSPHRASE) this.wrong = `Write a passphrase of at least ${SHORTEST_PASSPHRASE} characters.`;
    else if (passphrase !== form.get("again")) this.wrong = "The two passphrases differ.";
    else await this.save(passphrase);
  }

  private async save(passphrase: string): Promise<void> {
    this.busy = true;
    try {
      const { sealedMap } = await import("../dicom/identity-map");
      const content = await sealedMap(this.originals, passphrase);
      const name = `scanproof-${this.originals[0]?.files[0]?.slice(0, 8) ?? "study"}.map`;
      download(name, new Blob([content], { type: "application/octet-stream" }));
      this.saved = name;
      announce("The map was saved as a file.");
      this.dispatchEvent(new CustomEvent("saved"));
    } finally {
      this.busy = false;
    }
  }
}
