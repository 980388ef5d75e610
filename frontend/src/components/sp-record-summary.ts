import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { ImageRecord, Verification } from "../api/types";
import { percent } from "../format";
import { isModelResultValid, outcomeOf, STATUSES } from "../state/diagnosis-status";
import type { Problem } from "../state/problems";
import { verdictOf } from "../state/verdict";
import { shared } from "../styles/shared";
import { tones } from "../styles/tones";
import { icons } from "./icons";
import "./sp-status";

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
      .label {
        font-size: var(--text-display);
        font-weight: 680;
        letter-spacing: -0.02em;
        line-height: 1.15;
        text-wrap: balance;
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
  /** Null while the checks run. */
  @property({ attribute: false }) verification: Verification | null = null;
  /** Why the checks could not run. */
  @property({ attribute: false }) problem: Problem | null = null;

  protected override render() {
    const newest = this.record.diagnoses.at(-1);
    const confidence = newest && isModelResultValid(newest) && !newest.sealed ? newest.confidence : null;
    return html`<div class="stack" data-testid="record-summary">
      <div class="what">
        <p class="label" data-testid="outcome">${outcomeOf(newest)}</p>
        ${newest && newest.status !== "abstained" ? html`<sp-status .status=${newest.status}></sp-status>` : nothing}
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
    if (this.problem) return html`<p class="verdict warning" data-testid="verdict">${icons.warning}<strong>Not checked</strong><span class="small">${this.problem.text}</span></p>`;
    if (!this.verification) {
      return html`<p class="verdict" data-testid="verdict"><span class="spinner"></span><strong>Checking the record …</strong></p>`;
    }
    const { tone, title, text } = verdictOf(this.verification);
    return html`<p class="verdict ${tone}" data-testid="verdict">${icons[tone]}<strong>${title}</strong><span class="small">${text}</span></p>`;
  }
}
