import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { api } from "../api/client";
import type { Config, ImageRecord, LedgerEntry } from "../api/types";
import { LoadController } from "../components/load-controller";
import "../components/sp-hash";
import "../components/sp-notice";
import "../components/sp-tampering";
import { isoTime, short, time, whole } from "../format";
import { entryTitle } from "../state/timeline";
import { shared } from "../styles/shared";
import { catchingUp, listEnd } from "./list-end";
import { PageList } from "./page-list";

/** `/ledger`: every event of the contract in the order of the chain, with its block; and a demonstration of forgery. */
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
        padding: var(--space-3) var(--space-2);
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
      tr > :first-child {
        padding-left: var(--space-4);
      }
      tr > :last-child {
        padding-right: var(--space-4);
      }
      .step {
        min-width: 9rem;
      }
      .step,
      td .soft {
        white-space: normal;
      }
      tr:last-child > * {
        border-bottom: 0;
      }
      @media (max-width: 40rem) {
        tbody th {
          white-space: normal;
        }
      }
    `,
  ];

  @property({ attribute: false }) config!: Config;
  private readonly list = new PageList<LedgerEntry>(this, "step");
  private readonly records = new LoadController<ImageRecord[]>(this);

  override connectedCallback(): void {
    super.connectedCallback();
    this.records.show("records", async () => (await api.records({}, null, 50)).records);
    void this.list.load(async (cursor) => {
      const { entries, next, index } = await api.ledger(cursor);
      return { items: entries, next, index };
    });
  }

  protected override render() {
    const { items, next, loading, problem } = this.list;
    const records = this.records.value ?? [];
    return html`<div class="stack">
      <h1 tabindex="-1">Ledger</h1>
      <p class="lead">
        All events of the contract, newest first: registrations, diagnoses, reviews and models. The previous hash is the hash
        of the block with the next older event; blocks without events are not shown.
      </p>
      ${catchingUp(this.list)} ${items.length > 0 ? table(items, next !== null) : nothing}
      ${!loading && !problem && items.length === 0
        ? html`<p class="panel">Nothing has been recorded yet. <a href="/">Record the first image</a></p>`
        : nothing}
      ${listEnd(this.list)}
      ${!problem && this.records.problem
        ? html`<sp-notice level="2" .problem=${this.records.problem}>
            <button class="button" type="button" @click=${() => void this.records.retry()}>Try again</button>
          </sp-notice>`
        : nothing}
      ${records.length > 0 ? html`<sp-tampering .records=${records} .chain=${this.config.chain}></sp-tampering>` : nothing}
    </div>`;
  }
}

const COLUMNS = ["Time", "Step", "Record", "Block", "Block hash", "Previous hash", "Transaction"];

function table(entries: LedgerEntry[], hasMore: boolean) {
  return html`<div class="panel scroll" tabindex="0" role="region" aria-label="Ledger, scrolls sideways">
    <table aria-label="Ledger">
      <thead>
        <tr>
          ${COLUMNS.map((name) => html`<th scope="col">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${entries.map((entry, place) => row(entry, entries[place + 1], hasMore))}
      </tbody>
    </table>
  </div>`;
}

function row(entry: LedgerEntry, below: LedgerEntry | undefined, hasMore: boolean) {
  const { kind, imageId, transaction, block } = entry;
  return html`<tr data-testid="ledger-entry" data-kind=${kind}>
    <th scope="row"><time datetime=${isoTime(block.timestamp)}>${time(block.timestamp)}</time></th>
    <td class="step">${entryTitle(entry)}</td>
    <td>${imageId ? html`<a href="/records/${imageId}"><code>${short(imageId)}</code></a>` : nothing}</td>
    <td>${whole(block.number)}</td>
    <td><sp-hash brief .value=${block.hash} label="block hash"></sp-hash></td>
    <td>${previous(block.hash, below?.block.hash, hasMore)}</td>
    <td><sp-hash brief .value=${transaction.hash} .href=${transaction.explorerUrl} label="transaction hash"></sp-hash></td>
  </tr>`;
}

function previous(own: string, below: string | undefined, hasMore: boolean) {
  if (!below) return html`<span class="soft">${hasMore ? "Show more to see it" : "First step"}</span>`;
  if (below === own) return html`<span class="soft">Same block</span>`;
  return html`<code title=${below}>${short(below)}</code>`;
}
