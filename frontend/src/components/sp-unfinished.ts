import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { short, time } from "../format";
import type { Draft } from "../state/drafts";
import { shared } from "../styles/shared";

/** Work that was left in tabs which are closed by now. Events `resume` and `discard`, each with a draft's id. */
@customElement("sp-unfinished")
export class Unfinished extends LitElement {
  static override styles = [
    shared,
    css`
      section {
        padding-top: var(--space-4);
      }
      li {
        display: flex;
        flex-wrap: wrap;
        justify-content: space-between;
        align-items: center;
        gap: var(--space-3);
        padding-block: var(--space-3);
        border-top: 1px solid var(--line);
      }
    `,
  ];

  @property({ attribute: false }) drafts: Draft[] = [];

  protected override render() {
    if (this.drafts.length === 0) return nothing;
    return html`<section class="stack">
      <h2>Unfinished</h2>
      <ul>
        ${this.drafts.map((draft) => this.item(draft))}
      </ul>
    </section>`;
  }

  private item({ id, savedAt, flow }: Draft) {
    const stage = flow.step === "submitted" ? "Transaction submitted" : (resultOf(flow) ?? "Pinned");
    const about = `image ${short(flow.image.cid)}`;
    const button = (name: string, text: string) => html`<button
      class="button ${name === "discard" ? "quiet" : ""}"
      type="button"
      @click=${() => this.dispatchEvent(new CustomEvent(name, { detail: id }))}
    >
      ${text}<span class="visually-hidden"> ${about}</span>
    </button>`;
    return html`<li>
      <div>
        <p><strong>${stage}</strong></p>
        <p class="soft small"><code>${short(flow.image.cid)}</code> · ${time(savedAt / 1000)}</p>
      </div>
      <div class="actions">${button("resume", "Continue")} ${button("discard", "Discard")}</div>
    </li>`;
  }
}

function resultOf(flow: Draft["flow"]): string | null {
  if (flow.step === "classifying" || !flow.classification) return null;
  return flow.classification.abstained ? "No answer" : flow.classification.labelText;
}
