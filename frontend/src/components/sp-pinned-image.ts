import { LitElement, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Image, Slide } from "../api/types";
import type { Report } from "../dicom/deidentify";
import { MEDIA_TYPE } from "../dicom/prepare";
import { bytes, figure, whole } from "../format";
import { slideOf } from "../state/slide";
import { shared } from "../styles/shared";
import "./sp-hash";
import "./sp-removed";

/** What was pinned: the CID, the size, and the metadata that was removed before. */
@customElement("sp-pinned-image")
export class PinnedImage extends LitElement {
  static override styles = shared;

  @property({ attribute: false }) image!: Image;
  /** What this page removed of a DICOM file or a slide; null where it is another, or the page was reloaded. */
  @property({ attribute: false }) removed: Report | null = null;

  protected override render() {
    const { cid, width, height, size, stripped, mediaType, links } = this.image;
    const slide = slideOf(this.image);
    return html`<dl class="terms small">
      <dt>CID</dt>
      <dd data-testid="cid"><sp-hash .value=${cid} .href=${links.content} label="CID"></sp-hash></dd>
      <dt>Image</dt>
      <dd>${whole(width)} × ${whole(height)} pixels, ${bytes(size)}</dd>
      ${slide ? slideTerms(slide) : nothing}
      <dt>Metadata</dt>
      <dd data-testid="stripped">
        ${this.removed ? html`<sp-removed .report=${this.removed} ?slide=${slide !== null}></sp-removed>` : metadataOf(mediaType, stripped, slide)}
      </dd>
    </dl>`;
  }
}

function slideTerms({ levels, micrometresPerPixel, objective, vendor }: Slide) {
  return html`<dt>Slide</dt>
    <dd data-testid="slide-facts">
      ${levels.length === 1 ? "One level" : `${levels.length} levels`},
      ${micrometresPerPixel ? `${figure(micrometresPerPixel, "µm")} a pixel` : "size of a pixel unknown"}${objective
        ? `, objective ${objective}×`
        : nothing}${vendor ? `, ${vendor}` : nothing}
    </dd>`;
}

function metadataOf(mediaType: string, stripped: string[], slide: Slide | null): string {
  if (mediaType === MEDIA_TYPE || slide) return "Identifiers were removed before the file was sent; the server found none left";
  return stripped.length > 0 ? `Removed before pinning: ${stripped.join(", ")}` : "None was found in the file";
}
