import { LitElement, css, html, nothing, type PropertyValues } from "lit";
import { customElement, property } from "lit/decorators.js";
import { api, type RecordSearch } from "../api/client";
import type { ImageRecord } from "../api/types";
import "../components/sp-find-by-file";
import "../components/sp-search";
import "../components/sp-status";
import { isoTime, percent, short, time, whole } from "../format";
import { keyOf, withSearch } from "../state/search";
import { modelResultOf, isModelResultValid, outcomeOf } from "../state/diagnosis-status";
import { shared } from "../styles/shared";
import { catchingUp, listEnd } from "./list-end";
import { PageList } from "./page-list";

/** `/records`: search by text, result, model, status and time. Event `search` with the new RecordSearch. */
@customElement("sp-records")
export class RecordsPage extends LitElement {
  static override styles = [
    shared,
    css`
      .list {
        padding: 0;
        overflow: hidden;
      }
      li {
        padding: var(--space-4) clamp(var(--space-4), 3vw, var(--space-5));
      }
      li + li {
        border-top: 1px solid var(--line);
      }
      .title {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--space-1) var(--space-3);
      }
      li a {
        font-weight: 600;
        text-decoration: none;
      }
      li a:hover {
        text-decoration: underline;
      }
      .facts {
        display: flex;
        flex-wrap: wrap;
        gap: 0 var(--space-5);
        margin-top: var(--space-1);
      }
      .empty {
        padding: var(--space-7) var(--space-5);
        text-align: center;
      }
    `,
  ];

  @property({ attribute: false }) search: RecordSearch = {};
  private readonly list = new PageList<ImageRecord>(this, "record");

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("search")) return;
    const before = changed.get("search");
    if (before && keyOf(before) === keyOf(this.search)) return;
    const { search } = this;
    void this.list.load(async (cursor) => {
      const { records, next, index } = await api.records(search, cursor);
      return { items: records, next, index };
    });
  }

  protected override render() {
    const { items: records, loading, problem } = this.list;
    return html`<div class="stack">
      <h1 tabindex="-1">Records</h1>
      <p class="lead">Every image that was registered with the contract, read from its events on the chain.</p>
      <sp-search .search=${this.search} @search=${this.searched}></sp-search>
      <sp-find-by-file @search=${this.searched}></sp-find-by-file>
      ${catchingUp(this.list)}
      ${records.length > 0
        ? html`<ul class="panel list" aria-label="Records">
              ${records.map(item)}
            </ul>
            ${this.exports()}`
        : nothing}
      ${!loading && !problem && records.length === 0 ? this.empty() : nothing}
      ${listEnd(this.list)}
    </div>`;
  }

  private exports() {
    const link = (format: "csv" | "json") => html`<a
      class="button"
      href=${withSearch(`/api/v1/records.${format}`, this.search)}
      download
      >Export as ${format.toUpperCase()}</a
    >`;
    return html`<p class="actions">
      ${link("csv")} ${link("json")} <span class="soft small">All records of this search, not only those shown.</span>
    </p>`;
  }

  private empty() {
    const { q, ...filters } = this.search;
    const filtered = Object.keys(filters).length > 0;
    return html`<div class="panel empty stack">
      ${q || filtered
        ? html`<p><strong>${q ? `No record matches “${q}”${filtered ? " with these filters" : ""}.` : "No record matches all of these filters."}</strong></p>
            <p class="soft">Enter complete ids, CIDs, accounts and transaction hashes.</p>`
        : html`<p><strong>Nothing has been recorded yet.</strong></p>
            <p><a href="/">Record the first image</a></p>`}
    </div>`;
  }

  private searched({ detail }: CustomEvent<RecordSearch>): void {
    this.dispatchEvent(new CustomEvent("search", { detail }));
  }
}

function item({ imageId, cid, uploader, block, diagnoses }: ImageRecord) {
  const newest = diagnoses.at(-1);
  const answer = newest && isModelResultValid(newest) ? modelResultOf(newest) : null;
  return html`<li data-testid="record">
    <p class="title">
      <a href="/records/${imageId}">${outcomeOf(newest)} · <code>${short(imageId)}</code></a>
      ${newest ? html`<sp-status .status=${newest.status}></sp-status>` : nothing}
    </p>
    <p class="facts soft small">
      <time datetime=${isoTime(block.timestamp)}>${time(block.timestamp)}</time>
      ${answer && answer.labelCode !== 0 ? html`<span>Confidence ${percent(answer.confidence)}</span>` : nothing}
      <span>CID <code>${short(cid)}</code></span>
      <span>by <code>${short(uploader, 4)}</code></span>
      <span>Block ${whole(block.number)}</span>
    </p>
  </li>`;
}
