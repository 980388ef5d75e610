import { LitElement, css, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { api } from "../api/client";
import type { Config, ImageRecord } from "../api/types";
import { download } from "../download";
import { describe, type Problem } from "../state/problems";
import { shared } from "../styles/shared";
import "./sp-notice";

/** The record as a file of a standard, for other programs: the server verifies it first, which takes a moment. */
@customElement("sp-exports")
export class Exports extends LitElement {
  static override styles = [
    shared,
    css`
      ul {
        display: grid;
        gap: var(--space-3);
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: grid;
        grid-template-columns: 17rem minmax(0, 1fr);
        gap: var(--space-2) var(--space-4);
        align-items: center;
      }
      @media (max-width: 40rem) {
        li {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ];

  @property({ attribute: false }) record!: ImageRecord;
  @property({ attribute: false }) kinds!: Config["exports"];
  /** The kind that is being made. */
  @state() private busy = "";
  @state() private problem: Problem | null = null;
  @state() private saved = "";

  protected override render() {
    const sealed = this.record.diagnoses.at(-1)?.sealed;
    return html`<div class="stack">
      <p>
        One file of a standard, made from this record and its newest diagnosis after both were verified. Each says whether a clinician reviewed
        the result, and names the transaction that proves it.
      </p>
      ${sealed
        ? html`<p>The diagnosis is sealed. Who has its opening can export it: <code>scanproof export --opening FILE</code></p>`
        : html`<ul data-testid="exports">
            ${this.kinds.map(({ kind, title, about }) => this.item(kind, title, about))}
          </ul>`}
      <p class="soft small">
        DICOM and FHIR exports have the UIDs and the pseudonym of the de-identified files. Who de-identified them puts the original UIDs, patient and
        study back with <code>scanproof export --map</code>
      </p>
      <p class="small" role="status" data-testid="export-status">${this.busy ? "Verifying the record and making the file …" : this.saved}</p>
      ${this.problem ? html`<sp-notice .problem=${this.problem}></sp-notice>` : nothing}
    </div>`;
  }

  private item(kind: string, title: string, about: string) {
    const busy = this.busy === kind;
    return html`<li>
      <button
        class="button"
        type="button"
        aria-describedby=${`about-${kind}`}
        aria-disabled=${this.busy !== ""}
        @click=${() => void this.save(kind)}
      >
        ${busy ? html`<span class="spinner"></span>` : nothing}${title}
      </button>
      <span class="soft small" id=${`about-${kind}`}>${about}</span>
    </li>`;
  }

  private async save(kind: string): Promise<void> {
    if (this.busy) return;
    this.busy = kind;
    this.problem = null;
    this.saved = "";
    try {
      const { name, content } = await api.exported(this.record.imageId, kind);
      download(name, content);
      this.saved = `Saved as ${name}`;
    } catch (error) {
      this.problem = describe(error);
    }
    this.busy = "";
  }
}
