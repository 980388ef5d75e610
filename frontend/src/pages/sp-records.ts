import { LitElement, css, html, nothing, type PropertyValues } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { ImageRecord } from "../api/types";
import { isoTime, percent, short, time, whole } from "../format";
import { fields } from "../styles/fields";
import { shared } from "../styles/shared";
import { listEnd } from "./list-end";
import { RecordList } from "./record-list";

/** `/records`: search by image id, CID, uploader, transaction or result. Event `search` with the new query. */
@customElement("sp-records")
export class RecordsPage extends LitElement {
  static override styles = [
    shared,
    fields,
    css`
      form {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-3);
      }
      input {
        flex: 1 1 18rem;
      }
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

  @property() query = "";
  private readonly list = new RecordList(this, 20);

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("query")) void this.list.load(this.query);
  }

  protected override render() {
    const { records, index, loading, problem } = this.list;
    return html`<div class="stack">
      <h1 tabindex="-1">Records</h1>
      <p class="lead">Every image that was registered with the contract, as its events on the chain tell.</p>
      <form role="search" @submit=${this.submitted}>
        <input
          type="search"
          name="q"
          aria-label="Search records"
          placeholder="Image id, CID, account, transaction or result"
          autocomplete="off"
          spellcheck="false"
          .value=${this.query}
        />
        <button class="button primary" type="submit">Search</button>
        ${this.query ? html`<button class="button" type="button" @click=${() => this.emit("")}>Clear</button>` : nothing}
      </form>
      ${index && !index.synced
        ? html`<p class="soft small" role="status">
            The index is catching up with the chain: block ${whole(index.block ?? 0)} of ${whole(index.head ?? 0)}.
          </p>`
        : nothing}
      ${records.length > 0
        ? html`<ul class="panel list" aria-label="Records">
            ${records.map(item)}
          </ul>`
        : nothing}
      ${!loading && !problem && records.length === 0 ? this.empty() : nothing}
      ${listEnd(this.list)}
    </div>`;
  }

  private empty() {
    return html`<div class="panel empty stack">
      ${this.query
        ? html`<p><strong>No record matches “${this.query}”.</strong></p>
            <p class="soft">Ids, CIDs, accounts and transactions must be complete.</p>`
        : html`<p><strong>Nothing has been recorded yet.</strong></p>
            <p><a href="/">Record the first image</a></p>`}
    </div>`;
  }

  private submitted(event: SubmitEvent): void {
    event.preventDefault();
    const query = new FormData(event.target as HTMLFormElement).get("q");
    this.emit(String(query).trim());
  }

  private emit(query: string): void {
    this.dispatchEvent(new CustomEvent("search", { detail: query }));
  }
}

function item({ imageId, cid, uploader, block, diagnoses }: ImageRecord) {
  const newest = diagnoses.at(-1);
  const title = newest ? newest.labelText : "Image without diagnosis";
  return html`<li data-testid="record">
    <a href="/records/${imageId}">${title} · <code>${short(imageId)}</code></a>
    <p class="facts soft small">
      <time datetime=${isoTime(block.timestamp)}>${time(block.timestamp)}</time>
      ${newest && newest.labelCode !== 0 ? html`<span>Confidence ${percent(newest.confidence)}</span>` : nothing}
      <span>CID <code>${short(cid)}</code></span>
      <span>by <code>${short(uploader, 4)}</code></span>
      <span>Block ${whole(block.number)}</span>
    </p>
  </li>`;
}
