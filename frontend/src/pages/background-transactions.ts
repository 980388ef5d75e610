import type { ChainConfig } from "../api/types";
import { Tracker, type Server } from "../chain/tracker";
import type { Draft } from "../state/drafts";
import { isElsewhere, type TrackedState } from "../chain/transaction-state";

/** Follows the transactions of drafts that no tab shows. `states` has what they came to, by the draft's id. */
export class BackgroundTransactions {
  readonly states = new Map<string, TrackedState>();
  private readonly trackers = new Map<string, Tracker>();

  constructor(
    private readonly server: Server,
    private readonly onChange: (draft: Draft, state: TrackedState) => void,
  ) {}

  /** Follows exactly these drafts from now on: one that a tab shows again is that tab's to follow. */
  follow(drafts: Draft[], chain: ChainConfig): void {
    for (const id of [...this.trackers.keys()]) {
      if (!drafts.some((draft) => draft.id === id)) this.drop(id);
    }
    for (const draft of drafts) {
      const { id, flow } = draft;
      if (flow.step !== "submitted" || this.trackers.has(id) || isElsewhere(flow.transaction, chain)) continue;
      const tracker = new Tracker(this.server, flow.transaction, ({ state }) => this.changed(draft, state));
      this.trackers.set(id, tracker);
      void tracker.run();
    }
  }

  private changed(draft: Draft, state: TrackedState): void {
    if (this.states.get(draft.id) === state) return;
    this.states.set(draft.id, state);
    this.onChange(draft, state);
  }

  private drop(id: string): void {
    this.trackers.get(id)?.stop();
    this.trackers.delete(id);
    this.states.delete(id);
  }
}
