import { html, nothing } from "lit";
import type { LoadController } from "./load-controller";
import "./sp-notice";

/** Why something could not be loaded, with a button for another try. */
export function loadNotice(loading: Pick<LoadController<unknown>, "problem" | "retry">) {
  if (!loading.problem) return nothing;
  return html`<sp-notice .problem=${loading.problem}>
    <button class="button" type="button" @click=${() => void loading.retry()}>Try again</button>
  </sp-notice>`;
}
