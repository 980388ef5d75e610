import { LitElement, css, html } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Limits } from "../api/types";
import { bytes, whole } from "../format";
import { typeNames } from "../state/files";
import { shared } from "../styles/shared";
import { icons } from "./icons";

/** Takes one file, dropped or chosen; a real file input, so that keyboard and screen reader need nothing special. */
@customElement("sp-drop-zone")
export class DropZone extends LitElement {
  static override styles = [
    shared,
    css`
      .zone {
        position: relative;
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
      .zone:hover,
      .zone.over {
        border-color: var(--accent);
        background: var(--accent-soft);
      }
      .zone:focus-within {
        outline: 3px solid var(--focus);
        outline-offset: 2px;
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
      input {
        position: absolute;
        inset: 0;
        width: 100%;
        opacity: 0;
        cursor: pointer;
      }
    `,
  ];

  @property({ attribute: false }) limits!: Limits;
  @state() private over = false;

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
    this.emit(event.dataTransfer?.files[0]);
  }

  private chosen({ target }: Event): void {
    const input = target as HTMLInputElement;
    this.emit(input.files?.[0]);
    // The same file may be chosen again after it was refused.
    input.value = "";
  }

  private emit(file: File | undefined): void {
    if (file) this.dispatchEvent(new CustomEvent<File>("file", { detail: file }));
  }
}
