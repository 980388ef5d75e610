import { html, nothing } from "lit";
import "../components/sp-notice";
import type { RecordList } from "./record-list";

/** What stands below a list of records: why it could not be loaded, that it is loading, or how to see more. */
export function listEnd(list: RecordList) {
  const { next, loading, problem } = list;
  const more = () => void list.more();
  return html`${problem
    ? html`<sp-notice level="2" .problem=${problem}>
        <button class="button" type="button" @click=${more}>Try again</button>
      </sp-notice>`
    : nothing}
  ${loading ? html`<p class="busy soft"><span class="spinner"></span>Loading …</p>` : nothing}
  ${next && !loading ? html`<button class="button" type="button" @click=${more}>Show more</button>` : nothing}`;
}
