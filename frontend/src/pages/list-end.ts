import { html, nothing } from "lit";
import "../components/sp-notice";
import { whole } from "../format";
import type { PageList } from "./page-list";

/** The end of a list: a problem, the loading state, or the button for more. */
export function listEnd(list: PageList<unknown>) {
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

/** A note while the index does not have the newest blocks yet. */
export function catchingUp({ index }: PageList<unknown>) {
  return index && !index.synced
    ? html`<p class="soft small" role="status">
        The index is catching up with the chain: block ${whole(index.block ?? 0)} of ${whole(index.head ?? 0)}.
      </p>`
    : nothing;
}
