import { css, html } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Limits } from "../api/types";
import { bytes, whole } from "../format";
import { typeNames } from "../state/files";
import { shared } from "../styles/shared";
import { FileZone, fileZone } from "./file-zone";
import { icons } from "./icons";

/** Takes the image to record. Event `file` with a File. */
@customElement("sp-drop-zone")
export class DropZone extends FileZone {
  static override styles = [
    shared,
    css`
      .zone {
        display: grid;
        justify-items: center;
        gap: var(--space-3);
        padding: clamp(var(--space-6), 8vw, 4.5rem) var(--space-4);
        border: 2px dashed var(--line-strong);
        border-radius: var(--radius);
        background: var(--surface);
        text-align: center;
        transition: background-color 120ms, border-color 120ms;
      }
      .zone:hover {
        border-color: var(--accent);
        background: var(--accent-soft);
      }
      .mark {
        display: grid;
        place-items: center;
        width: 3.5rem;
        height: 3.5rem;
        border-radius: 50%;
        background: var(--accent-soft);
        color: var(--accent);
        font-size: 1.375rem;
      }
    `,
    fileZone,
  ];

  @property({ attribute: false }) limits!: Limits;

  protected override render() {
    const { maxBytes, maxPixels, mediaTypes } = this.limits;
    return html`<div
      class="zone ${this.over ? "over" : ""}"
      data-testid="drop-zone"
      @dragover=${this.dragged}
      @dragleave=${this.left}
      @drop=${this.dropped}
    >
      <span class="mark">${icons.upload}</span>
      <label class="button primary" for="file">Choose an image</label>
      <p>or drop it here</p>
      <p class="soft small" id="limits">
        ${typeNames(this.limits)} · up to ${bytes(maxBytes)} and ${whole(Math.round(maxPixels / 1e6))} megapixels
      </p>
      <input id="file" type="file" accept=${mediaTypes.join(",")} aria-describedby="limits" @change=${this.chosen} />
    </div>`;
  }

  protected override take(file: File): void {
    this.dispatchEvent(new CustomEvent<File>("file", { detail: file }));
  }
}
