import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { ChainConfig } from "../api/types";
import { short, time } from "../format";
import type { Draft } from "../state/drafts";
import { resultOf } from "../state/flow";
import { HEADLINES, isRecorded, type TrackedState } from "../chain/transaction-state";
import { shared } from "../styles/shared";
import { IntentController } from "./intent-controller";

/** Drafts that no tab shows, with the state of their transactions. Events `resume` and `discard`, each with a draft's id. */
@customElement("sp-drafts")
export class DraftList extends LitElement {
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
  @property({ attribute: false }) chain!: ChainConfig;
  /** By the draft's id. The map is changed in place, so any value counts as a change. */
  @property({ attribute: false, hasChanged: () => true }) states: ReadonlyMap<string, TrackedState> = new Map();

  private readonly intents = new IntentController(this);

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
    const state = this.states.get(id);
    const recorded = state !== undefined && isRecorded(state);
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
        <p><strong>${recorded ? "Recorded" : this.stage(flow, state)}</strong></p>
        <p class="soft small"><code>${short(flow.image.cid)}</code> · ${time(savedAt / 1000)}</p>
      </div>
      <div class="actions">
        ${recorded && "transaction" in flow
          ? html`<a class="button" href="/records/${flow.transaction.imageId}">
                Open the provenance page<span class="visually-hidden"> of ${about}</span>
              </a>
              ${button("discard", "Dismiss")}`
          : html`${button("resume", "Continue")} ${button("discard", "Discard")}`}
      </div>
    </li>`;
  }

  private stage(flow: Draft["flow"], state: TrackedState | undefined): string {
    if (flow.step === "submitted") return `Transaction: ${state ? HEADLINES[state] : "submitted"}`;
    if (this.intents.ofImage(flow.image.cid, this.chain).length > 0) return "Your wallet may still be asking";
    const result = resultOf(flow);
    if (!result) return "Pinned";
    return result.abstained ? "No answer" : result.labelText;
  }
}
