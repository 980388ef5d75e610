import { LitElement, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Outline } from "../api/types";
import { percent, whole } from "../format";
import { shared } from "../styles/shared";

/** The outline in words; empty unless a model was asked for one. */
@customElement("sp-outline-summary")
export class OutlineSummary extends LitElement {
  static override styles = shared;

  @property({ attribute: false }) outline: Outline | null = null;

  protected override render() {
    const { area, reason, model } = this.outline ?? {};
    if (!model) return nothing;
    return html`<p class="small" data-testid="result-outline">
      ${area
        ? html`Outlined: <strong>${whole(area.pixels)} pixels</strong> of this slice, ${percent(area.share)} of the head's
            area, by ${model.name} ${model.version}.`
        : html`Nothing is outlined: ${reason}.`}
    </p>`;
  }
}
