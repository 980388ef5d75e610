import { LitElement, css, html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import type { ImageRecord } from "../api/types";
import "../components/sp-hash";
import { isoTime, short, time, whole } from "../format";
import { shared } from "../styles/shared";
import { listEnd } from "./list-end";
import { RecordList } from "./record-list";

/** `/ledger`: the records in the order of the chain, each with the block that holds it. */
@customElement("sp-ledger")
export class LedgerPage extends LitElement {
  static override styles = [
    shared,
    css`
      .scroll {
        padding: 0;
        overflow-x: auto;
      }
      table {
        width: 100%;
        border-collapse: collapse;
        font-size: var(--text-small);
        font-variant-numeric: tabular-nums;
        white-space: nowrap;
      }
      th,
      td {
        padding: var(--space-3) var(--space-4);
        border-bottom: 1px solid var(--line);
        text-align: left;
      }
      thead th {
        background: var(--sunken);
        color: var(--ink-soft);
        font-weight: 600;
      }
      tbody th {
        font-weight: 400;
      }
      tr:last-child > * {
        border-bottom: 0;
      }
    `,
  ];

  private readonly list = new RecordList(this, 50);

  override connectedCallback(): void {
    super.connectedCallback();
    void this.list.load("");
  }

  protected override render() {
    const { records, next, loading, problem } = this.list;
    return html`<div class="stack">
      <h1 tabindex="-1">Ledger</h1>
      <p class="lead">
        The registrations in the order of the chain, newest first. The previous hash is that of the block which holds the
        record below; blocks without records lie in between and are not shown.
      </p>
      ${records.length > 0 ? this.table(records, next !== null) : nothing}
      ${!loading && !problem && records.length === 0
        ? html`<p class="panel">Nothing has been recorded yet. <a href="/">Record the first image</a></p>`
        : nothing}
      ${listEnd(this.list)}
    </div>`;
  }

  private table(records: ImageRecord[], hasMore: boolean) {
    return html`<div class="panel scroll" tabindex="0" role="region" aria-label="Ledger, scrolls sideways">
      <table aria-label="Ledger">
        <thead>
          <tr>
            ${["Time", "Block", "Record", "Transaction", "Block hash", "Previous hash"].map(
              (name) => html`<th scope="col">${name}</th>`,
            )}
          </tr>
        </thead>
        <tbody>
          ${records.map((record, place) => row(record, records[place + 1], hasMore))}
        </tbody>
      </table>
    </div>`;
  }
}

function row({ imageId, block, transaction }: ImageRecord, below: ImageRecord | undefined, hasMore: boolean) {
  return html`<tr>
    <th scope="row"><time datetime=${isoTime(block.timestamp)}>${time(block.timestamp)}</time></th>
    <td>${whole(block.number)}</td>
    <td><a href="/records/${imageId}"><code>${short(imageId)}</code></a></td>
    <td><sp-hash brief .value=${transaction.hash} .href=${transaction.explorerUrl} label="transaction hash"></sp-hash></td>
    <td><sp-hash brief .value=${block.hash} label="block hash"></sp-hash></td>
    <td>${previous(block.hash, below?.block.hash, hasMore)}</td>
  </tr>`;
}

function previous(own: string, below: string | undefined, hasMore: boolean) {
  if (!below) return html`<span class="soft">${hasMore ? "Show more to see it" : "First record"}</span>`;
  if (below === own) return html`<span class="soft">Same block</span>`;
  return html`<code title=${below}>${short(below)}</code>`;
}
