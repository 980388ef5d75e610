import { LitElement, css, html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { announce } from "../accessibility";
import { api, type RecordSearch } from "../api/client";
import type { Lookup } from "../api/types";
import { describe, type Problem } from "../state/problems";
import { shared } from "../styles/shared";
import { icons } from "./icons";
import "./sp-notice";

/** Finds the records of a file, or of the original that it was pinned from. Event `search` with a RecordSearch. */
@customElement("sp-find-by-file")
export class FindByFile extends LitElement {
  static override styles = [
    shared,
    css`
      .zone {
        position: relative;
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--space-2) var(--space-3);
        padding: var(--space-2) var(--space-3);
        border: 1px dashed var(--line-strong);
        border-radius: var(--radius-small);
      }
      .zone.over {
        border-color: var(--accent);
        background: var(--accent-soft);
      }
      .zone:focus-within {
        outline: 3px solid var(--focus);
        outline-offset: 2px;
      }
      input {
        position: absolute;
        inset: 0;
        width: 100%;
        opacity: 0;
        cursor: pointer;
      }
    `,
  ];

  @state() private over = false;
  @state() private busy = false;
  @state() private found: Lookup | null = null;
  @state() private problem: Problem | null = null;

  protected override render() {
    return html`<div class="stack">
      <div
        class="zone ${this.over ? "over" : ""}"
        @dragover=${this.dragged}
        @dragleave=${this.left}
        @drop=${this.dropped}
      >
        ${this.busy ? html`<span class="spinner"></span>` : icons.upload}
        <label for="file">${this.busy ? "Looking for its records …" : "Find the records of a file: choose or drop it"}</label>
        <span class="soft small">It is compared, not stored.</span>
        <input id="file" type="file" ?disabled=${this.busy} @change=${this.chosen} />
      </div>
      <div role="status">${this.outcome()}</div>
      ${this.problem ? html`<sp-notice .problem=${this.problem}></sp-notice>` : nothing}
    </div>`;
  }

  private outcome() {
    if (!this.found) return nothing;
    const { records, stripped, cid } = this.found;
    const removed = stripped.length > 0 ? ` after its metadata (${stripped.join(", ")}) is removed` : "";
    return html`<p class="soft small" data-testid="found-by-file">
      The file has the CID <code>${cid}</code>${removed}. ${records.length === 0 ? "Nobody has recorded it here." : nothing}
    </p>`;
  }

  private dragged(event: DragEvent): void {
    event.preventDefault();
    this.over = true;
  }

  private left(): void {
    this.over = false;
  }

  private dropped(event: DragEvent): void {
    event.preventDefault();
    this.over = false;
    void this.find(event.dataTransfer?.files[0]);
  }

  private chosen({ target }: Event): void {
    const input = target as HTMLInputElement;
    void this.find(input.files?.[0]);
    // The same file may be chosen again.
    input.value = "";
  }

  private async find(file: File | undefined): Promise<void> {
    if (!file || this.busy) return;
    this.busy = true;
    this.found = null;
    this.problem = null;
    try {
      this.found = await api.lookup(file);
      this.dispatchEvent(new CustomEvent<RecordSearch>("search", { detail: { q: this.found.cid } }));
      announce(this.found.records.length > 0 ? "The file's records are shown." : "Nobody has recorded this file here.");
    } catch (error) {
      this.problem = describe(error);
    }
    this.busy = false;
  }
}
