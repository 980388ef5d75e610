import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { StudyResult } from "../api/types";
import { percent } from "../format";
import { countsInWords } from "../state/study";
import { shared } from "../styles/shared";
import "./sp-hash";

/** What the slices of a study say together, and the rule that says so. */
@customElement("sp-study-summary")
export class StudySummaryPanel extends LitElement {
  static override styles = [
    shared,
    css`
      .headline {
        font-size: var(--text-h2);
        font-weight: 650;
      }
    `,
  ];

  @property({ attribute: false }) result!: StudyResult;

  protected override render() {
    const { summary, slices, rule, model, weak, root, cid } = this.result;
    const [first, last] = summary.deciding ?? [];
    return html`<div class="stack" data-testid="study-summary">
      <p class="headline" data-testid="study-label">${summary.abstained ? "No answer for the study" : summary.labelText}</p>
      ${summary.abstained
        ? html`<p>${sentenceOf(summary.reason)}</p>`
        : html`<p>
            Mean confidence <strong>${percent(summary.confidence)}</strong>${first === undefined || last === undefined
              ? " of the answered slices."
              : ` of the slices ${first + 1} to ${last + 1}, which decided.`}
          </p>`}
      <p>${slices.length} slices: ${countsInWords(this.result)}.</p>
      ${weak ? html`<p class="soft">${weak}</p>` : nothing}
      <p class="soft small">
        The rule <code>${rule}</code> made this of the slices. How often it is wrong on whole studies of healthy people is
        unknown. Not for diagnosis.
      </p>
      <dl class="terms small">
        <dt>Model</dt>
        <dd>${model.name} ${model.version}</dd>
        <dt>Study CID</dt>
        <dd><sp-hash .value=${cid} label="study CID" data-testid="study-cid"></sp-hash></dd>
        <dt>Merkle root</dt>
        <dd><sp-hash .value=${root} label="Merkle root"></sp-hash></dd>
      </dl>
    </div>`;
  }
}

function sentenceOf(reason: string | null): string {
  const text = reason ?? "the rule gives no answer";
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
