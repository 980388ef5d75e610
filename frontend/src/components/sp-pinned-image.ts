import { LitElement, html } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Image } from "../api/types";
import { bytes, whole } from "../format";
import { shared } from "../styles/shared";
import "./sp-hash";

/** What was pinned: the CID, the size, and the metadata that was removed before. */
@customElement("sp-pinned-image")
export class PinnedImage extends LitElement {
  static override styles = shared;

  @property({ attribute: false }) image!: Image;

  protected override render() {
    const { cid, width, height, size, stripped, links } = this.image;
    return html`<dl class="terms small">
      <dt>CID</dt>
      <dd data-testid="cid"><sp-hash .value=${cid} .href=${links.content} label="CID"></sp-hash></dd>
      <dt>Image</dt>
      <dd>${whole(width)} × ${whole(height)} pixels, ${bytes(size)}</dd>
      <dt>Metadata</dt>
      <dd data-testid="stripped">
        ${stripped.length > 0 ? `Removed before pinning: ${stripped.join(", ")}` : "None was found in the file"}
      </dd>
    </dl>`;
  }
}
