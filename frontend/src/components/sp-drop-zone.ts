import { css, html } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Limits } from "../api/types";
import { bytes, whole } from "../format";
import { typeNames } from "../state/files";
import { warning, type Problem } from "../state/problems";
import { ZipRefused } from "../state/zip";
import { shared } from "../styles/shared";
import { FileZone, fileZone } from "./file-zone";
import { icons } from "./icons";
import { chosenOf, filesDropped, filesOf, type Chosen } from "./study-files";

/** Takes what is to be recorded. Events: `file` with an image, `study` with SourceFiles, `refused` with a Problem. */
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
      .zone > .actions {
        justify-content: center;
      }
      /* The whole zone is the input for images; that for a folder is reached by its label and by the keyboard. */
      .zone > .actions label {
        position: relative;
        z-index: 1;
      }
      input.folder {
        inset: auto 0 0;
        height: 1px;
        pointer-events: none;
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
    const { maxBytes, maxPixels, maxSlideBytes, mediaTypes } = this.limits;
    return html`<div
      class="zone ${this.over ? "over" : ""}"
      data-testid="drop-zone"
      @dragover=${this.dragged}
      @dragleave=${this.left}
      @drop=${this.dropped}
    >
      <span class="mark">${icons.upload}</span>
      <div class="actions">
        <label class="button primary" for="file">Choose an image</label>
        <label class="button" for="folder">Choose a folder</label>
      </div>
      <p>or drop one here: an image, or several, a folder or a ZIP for a study</p>
      <p class="soft small" id="limits">
        ${typeNames(this.limits)} · up to ${bytes(maxBytes)} and ${whole(Math.round(maxPixels / 1e6))} megapixels; whole
        slides as tiled TIFF or SVS up to ${bytes(maxSlideBytes)}
      </p>
      <input
        id="file"
        type="file"
        multiple
        accept=${[...mediaTypes, ".dcm", ".svs", ".zip"].join(",")}
        aria-describedby="limits"
        @change=${this.chosen}
      />
      <input id="folder" class="folder" type="file" webkitdirectory aria-describedby="limits" @change=${this.folderChosen} />
    </div>`;
  }

  protected override take(file: File): void {
    this.dispatchEvent(new CustomEvent<File>("file", { detail: file }));
  }

  protected override chosen(event: Event): void {
    void this.takeAll(event, false);
  }

  private folderChosen(event: Event): void {
    void this.takeAll(event, true);
  }

  protected override dropped(event: DragEvent): void {
    event.preventDefault();
    this.over = false;
    const { dataTransfer } = event;
    if (!dataTransfer) return;
    void this.tell(async () => {
      const { files, folder } = await filesDropped(dataTransfer);
      return chosenOf(files, folder);
    });
  }

  private async takeAll({ target }: Event, folder: boolean): Promise<void> {
    const input = target as HTMLInputElement;
    const files = filesOf(input.files ?? []);
    // The same file may be chosen again.
    input.value = "";
    if (files.length > 0) await this.tell(() => chosenOf(files, folder));
  }

  private async tell(choose: () => Promise<Chosen>): Promise<void> {
    try {
      const chosen = await choose();
      if ("image" in chosen) this.take(chosen.image);
      else this.dispatchEvent(new CustomEvent("study", { detail: chosen.study }));
    } catch (error) {
      const text = error instanceof ZipRefused ? error.message : "The files could not be read. Choose them again.";
      const detail = warning("zip-refused", "These files cannot be used", text);
      this.dispatchEvent(new CustomEvent<Problem>("refused", { detail }));
    }
  }
}
