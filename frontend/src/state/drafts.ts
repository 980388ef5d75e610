/**
 * Unfinished work that survives a reload. A tab locks the draft that it shows (Web Locks), so that two tabs never work
 * on the same one; unlocked drafts are listed so that the person can continue them. Activation maps are not stored:
 * they are large, and the server gives them again.
 */

import { isKept, resultOf, type Flow, type KeptFlow } from "./flow";
import { lockNames } from "../locks";
import { keys, read, remove, write } from "../storage";

const PREFIX = "scanproof.draft.";
const OWN_KEY = "scanproof.draft";
/** The page before a reload frees its lock while this one starts. */
const LOCK_WAIT_MS = 1500;
/** How long a draft that no tab shows is kept; one with a transaction on its way, until its end is known. */
export const KEPT_MS = 30 * 24 * 3600 * 1000;

export interface Draft {
  id: string;
  /** In milliseconds. */
  savedAt: number;
  flow: KeptFlow;
}

/** Frees a lock; resolves when other tabs can have it. */
type Release = () => Promise<void>;

export class Drafts {
  private id: string | null = null;
  private release: Promise<Release | null> = Promise.resolve(null);

  /** The draft that this tab had before a reload, if no other tab has taken it. */
  async restore(): Promise<Draft | null> {
    const id = read(OWN_KEY, sessionStorage);
    return typeof id === "string" ? this.take(id, LOCK_WAIT_MS) : null;
  }

  /** Makes a draft this tab's own; null when another tab holds it or it is gone. */
  async take(id: string, wait = 0): Promise<Draft | null> {
    const draft = load(id);
    const release = draft && (await lock(PREFIX + id, wait));
    if (!release) return null;
    this.own(id, Promise.resolve(release));
    return draft;
  }

  /** Unfinished drafts that no tab has open, newest first. Those that are finished or old are forgotten. */
  async abandoned(): Promise<Draft[]> {
    const names = await lockNames();
    const free = keys(PREFIX).filter((key) => !names.includes(key));
    const drafts = free.map((key) => load(key.slice(PREFIX.length))).filter((draft) => draft !== null);
    for (const draft of drafts.filter(isOver)) this.discard(draft.id);
    return drafts.filter((draft) => !isOver(draft)).sort((a, b) => b.savedAt - a.savedAt);
  }

  /** Keeps the state of this tab's work. */
  save(flow: Flow): void {
    if (!isKept(flow)) return;
    const id = this.id ?? crypto.randomUUID();
    if (!this.id) this.own(id, lock(PREFIX + id, 0));
    this.keep(flow, id);
  }

  /** Keeps work, as one more draft unless it has an id already. */
  keep(flow: KeptFlow, id: string = crypto.randomUUID()): void {
    write(PREFIX + id, { savedAt: Date.now(), flow: withoutMap(flow) });
  }

  /** Leaves this tab's work as it is, to be continued in any tab. */
  async leave(): Promise<void> {
    remove(OWN_KEY, sessionStorage);
    this.id = null;
    const release = await this.release;
    await release?.();
  }

  /** Forgets this tab's work. */
  finish(): Promise<void> {
    if (this.id) this.discard(this.id);
    return this.leave();
  }

  discard(id: string): void {
    remove(PREFIX + id);
  }

  private own(id: string, release: Promise<Release | null>): void {
    this.id = id;
    this.release = release;
    write(OWN_KEY, id, sessionStorage);
  }
}

function load(id: string): Draft | null {
  const kept = read(PREFIX + id) as Omit<Draft, "id"> | null;
  return kept?.flow instanceof Object && isKept(kept.flow) ? { ...kept, id } : null;
}

function isOver({ flow, savedAt }: Draft): boolean {
  return flow.step === "recorded" || (flow.step !== "submitted" && Date.now() - savedAt > KEPT_MS);
}

function withoutMap(flow: KeptFlow): KeptFlow {
  const result = resultOf(flow);
  return result ? ({ ...flow, classification: { ...result, activationMap: null } } as KeptFlow) : flow;
}

/** Holds a lock until it is released or the tab is closed; null when another tab has it. */
function lock(name: string, wait: number): Promise<Release | null> {
  const options = wait > 0 ? { signal: AbortSignal.timeout(wait) } : { ifAvailable: true };
  return new Promise((resolve) => {
    const over: Promise<void> = navigator.locks
      .request(name, options, (granted) => {
        if (!granted) {
          resolve(null);
          return;
        }
        return new Promise<void>((free) => resolve(() => (free(), over)));
      })
      .catch(() => resolve(null));
  });
}
