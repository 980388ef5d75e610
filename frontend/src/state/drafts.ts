/**
 * Unfinished work, kept over reloads. A tab holds a Web Lock on the draft that it shows, so that two tabs never work on
 * the same one; drafts that no tab holds are offered to be continued.
 */

import { isKept, type Flow, type KeptFlow } from "./flow";
import { keys, read, remove, write } from "./storage";

const PREFIX = "scanproof.draft.";
const OWN_KEY = "scanproof.draft";
/** The page before a reload frees its lock while this one starts. */
const LOCK_WAIT_MS = 1500;

export interface Draft {
  id: string;
  /** In milliseconds. */
  savedAt: number;
  flow: KeptFlow;
}

export class Drafts {
  private id: string | null = null;

  /** The draft that this tab had before a reload, if no other tab has taken it. */
  async restore(): Promise<Draft | null> {
    const id = read<string>(OWN_KEY, sessionStorage);
    return id ? this.take(id, LOCK_WAIT_MS) : null;
  }

  /** Makes a draft this tab's own; null when another tab holds it or it is gone. */
  async take(id: string, wait = 0): Promise<Draft | null> {
    const draft = load(id);
    if (!draft || !(await lock(PREFIX + id, wait))) return null;
    this.own(id);
    return draft;
  }

  /** Unfinished drafts that no tab has open, newest first. Finished ones without a tab are forgotten. */
  async abandoned(): Promise<Draft[]> {
    const { held = [] } = await navigator.locks.query();
    const names = held.map(({ name }) => name);
    const free = keys(PREFIX).filter((key) => !names.includes(key));
    const drafts = free.map((key) => load(key.slice(PREFIX.length))).filter((draft) => draft !== null);
    for (const { id, flow } of drafts) if (flow.step === "recorded") this.discard(id);
    return drafts.filter(({ flow }) => flow.step !== "recorded").sort((a, b) => b.savedAt - a.savedAt);
  }

  /** Keeps the state of this tab's work. */
  save(flow: Flow): void {
    if (!isKept(flow)) return;
    if (!this.id) {
      this.own(crypto.randomUUID());
      void lock(PREFIX + this.id, 0);
    }
    write(PREFIX + this.id, { savedAt: Date.now(), flow });
  }

  /** Forgets this tab's work. */
  finish(): void {
    if (this.id) this.discard(this.id);
    remove(OWN_KEY, sessionStorage);
    this.id = null;
  }

  discard(id: string): void {
    remove(PREFIX + id);
  }

  private own(id: string): void {
    this.id = id;
    write(OWN_KEY, id, sessionStorage);
  }
}

function load(id: string): Draft | null {
  const kept = read<Omit<Draft, "id">>(PREFIX + id);
  return kept?.flow instanceof Object && isKept(kept.flow) ? { ...kept, id } : null;
}

/** Holds a lock until the tab is closed; false when another tab has it. */
function lock(name: string, wait: number): Promise<boolean> {
  const options = wait > 0 ? { signal: AbortSignal.timeout(wait) } : { ifAvailable: true };
  return new Promise((resolve) => {
    navigator.locks
      .request(name, options, (held) => {
        resolve(held !== null);
        return held ? new Promise(() => undefined) : undefined;
      })
      .catch(() => resolve(false));
  });
}
