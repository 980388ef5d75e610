import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { api } from "../api/client";
import type { RecordPage } from "../api/types";
import { isoTime, short, time } from "../format";
import { badgeOf, outcomeOf } from "../state/diagnosis-status";
import { shared } from "../styles/shared";
import { icons } from "./icons";
import { LoadController } from "./load-controller";
import "./sp-status";

/** The newest; the others are one click away. */
const SHOWN = 1;

/** Who recorded this image before, when, and with what outcome. Empty when nobody did. */
@customElement("sp-known-records")
export class KnownRecords extends LitElement {
  static override styles = [
    shared,
    css`
      .known {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr);
        gap: var(--space-1) var(--space-2);
        padding: var(--space-2) var(--space-3);
        border: 1px solid color-mix(in srgb, var(--info) 35%, transparent);
        border-radius: var(--radius-small);
        background: var(--info-soft);
      }
      ul {
        grid-column: 2;
      }
    `,
  ];

  @property() cid = "";
  private readonly found = new LoadController<RecordPage>(this);

  protected override willUpdate(): void {
    this.found.show(this.cid, () => api.records({ q: this.cid }, null, SHOWN));
  }

  protected override render() {
    const { records = [], next = null } = this.found.value ?? {};
    if (records.length === 0) return nothing;
    return html`<div class="known small" data-testid="known-records">
      ${icons.info}
      <p><strong>This image is on the chain already:</strong></p>
      <ul>
        ${records.map(({ imageId, uploader, block, diagnoses }) => {
          const newest = diagnoses.at(-1);
          const badge = badgeOf(newest);
          return html`<li>
            <a href="/records/${imageId}">${outcomeOf(newest)}</a>
            ${badge ? html`<sp-status .status=${badge}></sp-status>` : nothing}, recorded by
            <code title=${uploader}>${short(uploader, 4)}</code> on
            <time datetime=${isoTime(block.timestamp)}>${time(block.timestamp)}</time>
          </li>`;
        })}
        ${next ? html`<li><a href="/records?q=${this.cid}">More records of this image</a></li>` : nothing}
      </ul>
    </div>`;
  }
}
