import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Report } from "../dicom/deidentify";
import { whole } from "../format";
import { shared } from "../styles/shared";

const KINDS: [kind: keyof Report, heading: string][] = [
  ["removed", "Removed"],
  ["replaced", "Replaced by new values"],
  ["cleaned", "Kept in part"],
];

/** What a DICOM file or a slide lost in the page, by the names of its attributes. */
@customElement("sp-removed")
export class Removed extends LitElement {
  static override styles = [
    shared,
    css`
      ul {
        max-height: 12rem;
        overflow-y: auto;
        columns: 14rem;
        margin: 0;
        padding-left: var(--space-4);
      }
    `,
  ];

  @property({ attribute: false }) report!: Report;
  @property({ type: Boolean }) slide = false;

  protected override render() {
    const { removed, replaced, cleaned } = this.report;
    const what = this.slide ? "slide" : "DICOM file";
    if (removed.size + replaced.size + cleaned.size === 0) {
      return html`<p data-testid="removed">This ${what} was de-identified before, by the rules of this page, and stays as it is.</p>`;
    }
    if (this.slide) {
      return html`<p data-testid="removed">
        This slide was de-identified in this page. Removed: ${[...removed.keys()].join(", ")}. The tiles of the slide stay as they are; the
        file has a new name.
      </p>`;
    }
    return html`<div class="stack" data-testid="removed">
      <p>
        This DICOM file was de-identified in this page. Of its attributes, ${whole(removed.size)} were removed,
        ${whole(replaced.size)} have new values, and ${whole(cleaned.size)} were kept in part. The file has a new name.
      </p>
      <details>
        <summary>What was removed</summary>
        <div class="stack">${KINDS.map(([kind, heading]) => this.list(heading, this.report[kind]))}</div>
      </details>
    </div>`;
  }

  private list(heading: string, counts: Map<string, number>) {
    if (counts.size === 0) return nothing;
    const names = [...counts].sort(([one], [other]) => one.localeCompare(other));
    // A list that scrolls takes the focus, so that the keyboard reaches its end.
    return html`<h3 class="eyebrow">${heading}</h3>
      <ul class="small" tabindex="0" aria-label=${heading}>
        ${names.map(([name, count]) => html`<li>${name}${count > 1 ? html` <span class="soft">× ${whole(count)}</span>` : nothing}</li>`)}
      </ul>`;
  }
}
