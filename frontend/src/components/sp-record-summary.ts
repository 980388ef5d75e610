import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { ImageRecord } from "../api/types";
import { percent } from "../format";
import { badgeOf, isModelResultValid, outcomeOf, STATUSES } from "../state/diagnosis-status";
import { verdictOf } from "../state/verdict";
import { shared } from "../styles/shared";
import { tones } from "../styles/tones";
import { icons } from "./icons";
import "./sp-status";
import type { Checked } from "./sp-verification";

/** The record in a few lines: what was found, what became of it, and whether the checks passed. */
@customElement("sp-record-summary")
export class RecordSummary extends LitElement {
  static override styles = [
    shared,
    css`
      .what {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--space-2) var(--space-3);
      }
      .verdict {
        --tone: var(--ink-soft);
        --tone-soft: var(--sunken);
        display: grid;
        grid-template-columns: auto minmax(0, 1fr);
        gap: 0 var(--space-2);
        padding: var(--space-2) var(--space-3);
        border-radius: var(--radius-small);
        background: var(--tone-soft);
      }
      .verdict strong,
      .verdict .icon {
        color: var(--tone);
      }
      .verdict span {
        grid-column: 2;
      }
    `,
    tones,
  ];

  @property({ attribute: false }) record!: ImageRecord;
  @property({ attribute: false }) checked!: Checked;

  protected override render() {
    const newest = this.record.diagnoses.at(-1);
    const badge = badgeOf(newest);
    const confidence = newest && isModelResultValid(newest) && !newest.sealed ? newest.confidence : null;
    return html`<div class="stack" data-testid="record-summary">
      <div class="what">
        <p class="headline" data-testid="outcome">${outcomeOf(newest)}</p>
        ${badge ? html`<sp-status .status=${badge}></sp-status>` : nothing}
      </div>
      ${newest
        ? html`<p>
            ${STATUSES[newest.status].meaning}
            ${confidence === null ? nothing : html`Confidence of the model <strong>${percent(confidence)}</strong>.`}
          </p>`
        : nothing}
      ${this.verdict()}
    </div>`;
  }

  private verdict() {
    const { verification, problem } = this.checked;
    if (problem) return html`<p class="verdict warning" data-testid="verdict">${icons.warning}<strong>Not checked</strong><span class="small">${problem.text}</span></p>`;
    if (!verification) {
      return html`<p class="verdict" data-testid="verdict"><span class="spinner"></span><strong>Checking the record …</strong></p>`;
    }
    const { tone, title, text } = verdictOf(verification);
    return html`<p class="verdict ${tone}" data-testid="verdict">${icons[tone]}<strong>${title}</strong><span class="small">${text}</span></p>`;
  }
}
