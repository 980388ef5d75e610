import { LitElement, css, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Diagnosis } from "../api/types";
import { bytes, printable } from "../format";
import { MAX_OPENING_BYTES, openingOf, OpeningRefused, type Opening } from "../state/opening";
import type { Problem } from "../state/problems";
import { shared } from "../styles/shared";
import "./sp-notice";

/** Opens a sealed diagnosis with the opening file, in this browser only. Event `opened` with the Opening. */
@customElement("sp-opening")
export class OpeningPanel extends LitElement {
  static override styles = [
    shared,
    css`
      label {
        display: block;
        position: relative;
      }
      input:focus-visible + .button {
        outline: 3px solid var(--focus);
        outline-offset: 2px;
      }
    `,
  ];

  @property() cid = "";
  @property({ attribute: false }) diagnosis!: Diagnosis;
  @state() private problem: Problem | null = null;

  protected override render() {
    return html`<div class="stack">
      <p>
        The chain has only a salted hash of label and confidence. If you have the opening, the file that was saved when the
        image was classified, choose it: this browser checks it against the hash on the chain. The file is not sent
        anywhere.
      </p>
      ${this.problem ? html`<sp-notice .problem=${this.problem}></sp-notice>` : nothing}
      <label>
        <input class="visually-hidden" type="file" accept=".json,application/json" @change=${this.chosen} />
        <span class="button">Open it with a file</span>
      </label>
    </div>`;
  }

  private async chosen({ target }: Event): Promise<void> {
    const input = target as HTMLInputElement;
    const [file] = input.files ?? [];
    if (!file) return;
    this.problem = null;
    try {
      const detail = await this.open(file);
      this.dispatchEvent(new CustomEvent<Opening>("opened", { detail }));
    } catch (error) {
      const text = error instanceof OpeningRefused ? error.message : "The file cannot be read.";
      this.problem = { kind: "opening-refused", tone: "danger", title: `“${printable(file.name)}” does not open this diagnosis`, text };
    }
    // So that the same file can be chosen again after a change.
    input.value = "";
  }

  private async open(file: File): Promise<Opening> {
    if (file.size > MAX_OPENING_BYTES) {
      throw new OpeningRefused(`It has ${bytes(file.size)}; an opening has at most ${bytes(MAX_OPENING_BYTES)}.`);
    }
    return openingOf(new Uint8Array(await file.arrayBuffer()), this.cid, this.diagnosis);
  }
}
