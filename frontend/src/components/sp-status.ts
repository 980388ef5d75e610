import { LitElement, css, html } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { DiagnosisStatus } from "../api/types";
import { STATUSES } from "../state/diagnosis-status";
import { shared } from "../styles/shared";
import { tones } from "../styles/tones";
import { icons } from "./icons";

/** The status of a diagnosis: asserted by a model, without an answer, confirmed, overridden or withdrawn. */
@customElement("sp-status")
export class StatusBadge extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        display: inline-block;
      }
      .badge {
        --tone: var(--info);
        --tone-soft: var(--info-soft);
        display: inline-flex;
        align-items: center;
        gap: var(--space-1);
        padding: 0.1rem 0.6rem 0.1rem 0.4rem;
        border: 1px solid color-mix(in srgb, var(--tone) 40%, transparent);
        border-radius: 1rem;
        background: var(--tone-soft);
        color: var(--tone);
        font-size: var(--text-small);
        font-weight: 600;
        letter-spacing: 0;
        line-height: 1.5;
        white-space: nowrap;
      }
    `,
    tones,
  ];

  @property() status: DiagnosisStatus = "asserted";

  protected override render() {
    const { text, tone, meaning } = STATUSES[this.status];
    return html`<span class="badge ${tone}" title=${meaning} data-testid="status" data-status=${this.status}>
      ${icons[tone]}${text}
    </span>`;
  }
}
