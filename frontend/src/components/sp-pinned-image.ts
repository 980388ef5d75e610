import { LitElement, html } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Image } from "../api/types";
import type { Report } from "../dicom/deidentify";
import { MEDIA_TYPE } from "../dicom/prepare";
import { bytes, whole } from "../format";
import { shared } from "../styles/shared";
import "./sp-hash";
import "./sp-removed";

/** What was pinned: the CID, the size, and the metadata that was removed before. */
@customElement("sp-pinned-image")
export class PinnedImage extends LitElement {
  static override styles = shared;

  @property({ attribute: false }) image!: Image;
  /** What this page removed of a DICOM file; null where it is another, or the page was reloaded. */
  @property({ attribute: false }) removed: Report | null = null;

  protected override render() {
    const { cid, width, height, size, stripped, mediaType, links } = this.image;
    return html`<dl class="terms small">
      <dt>CID</dt>
      <dd data-testid="cid"><sp-hash .value=${cid} .href=${links.content} label="CID"></sp-hash></dd>
      <dt>Image</dt>
      <dd>${whole(width)} × ${whole(height)} pixels, ${bytes(size)}</dd>
      <dt>Metadata</dt>
      <dd data-testid="stripped">
        ${this.removed ? html`<sp-removed .report=${this.removed}></sp-removed>` : metadataOf(mediaType, stripped)}
      </dd>
    </dl>`;
  }
}

function metadataOf(mediaType: string, stripped: string[]): string {
  if (mediaType === MEDIA_TYPE) return "Identifiers were removed before the file was sent; the server found none left";
  return stripped.length > 0 ? `Removed before pinning: ${stripped.join(", ")}` : "None was found in the file";
}
