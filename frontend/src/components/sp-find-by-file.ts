import { css, html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { announce } from "../accessibility";
import { api, type RecordSearch } from "../api/client";
import type { Lookup } from "../api/types";
import { cidOf } from "../chain/cid";
import { prepare } from "../dicom/prepare";
import { isSlideFile, prepareSlide } from "../slides/prepare";
import { describe, type Problem } from "../state/problems";
import { shared } from "../styles/shared";
import { FileZone, fileZone } from "./file-zone";
import { icons } from "./icons";
import "./sp-notice";

type Found = Pick<Lookup, "cid" | "stripped" | "records">;

/** Finds the records of a file, or of the original that it was pinned from. Event `search` with a RecordSearch. */
@customElement("sp-find-by-file")
export class FindByFile extends FileZone {
  static override styles = [
    shared,
    css`
      .zone {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--space-2) var(--space-3);
        padding: var(--space-2) var(--space-3);
        border: 1px dashed var(--line-strong);
        border-radius: var(--radius-small);
      }
    `,
    fileZone,
  ];

  @state() private busy = false;
  @state() private found: Found | null = null;
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

  protected override take(file: File): void {
    void this.find(file);
  }

  private async find(file: File): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.found = null;
    this.problem = null;
    try {
      this.found = (await this.findSlide(file)) ?? (await api.lookup((await prepare(file)).file));
      this.dispatchEvent(new CustomEvent<RecordSearch>("search", { detail: { q: this.found.cid } }));
      announce(this.found.records.length > 0 ? "The file's records are shown." : "Nobody has recorded this file here.");
    } catch (error) {
      this.problem = describe(error);
    }
    this.busy = false;
  }

  /** The CID of a whole slide is computed here: it need not be sent to be found. Null for another file. */
  private async findSlide(file: File): Promise<Found | null> {
    const { limits } = await api.config();
    if (!(await isSlideFile(file, limits))) return null;
    const clean = await prepareSlide(file, limits.maxSlideBytes);
    const cid = await cidOf(clean.file);
    const { records } = await api.records({ q: cid }, null);
    return { cid, stripped: [...clean.removed.removed.keys()], records };
  }
}
