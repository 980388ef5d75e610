/** What tests need of a browser: an element for controllers; storage and Web Locks, for several tabs. */

import type { ReactiveControllerHost } from "lit";
import { vi } from "vitest";
import { Drafts } from "../../frontend/src/state/drafts";

/** The element that a controller belongs to. */
export const host: ReactiveControllerHost = {
  addController: () => undefined,
  removeController: () => undefined,
  requestUpdate: () => undefined,
  updateComplete: Promise.resolve(true),
};

/** The browser's storage. */
export class Entries implements Storage {
  [key: string]: unknown;
  getItem = (key: string) => (Object.hasOwn(this, key) ? (this[key] as string) : null);
  setItem = (key: string, value: string) => void (this[key] = value);
  removeItem = (key: string) => void Reflect.deleteProperty(this, key);
  clear = () => undefined;
  key = () => null;
  length = 0;
}

type Granted = (lock: { name: string } | null) => unknown;
/** The tab that holds each lock. */
const owners = new Map<string, object>();

/** A lock lasts until the callback's promise settles, or the tab is closed. */
function locksOf(tab: object) {
  return {
    query: () => Promise.resolve({ held: [...owners.keys()].map((name) => ({ name })) }),
    request: async (name: string, _options: object, granted: Granted) => {
      if (owners.has(name)) return granted(null);
      owners.set(name, tab);
      try {
        return await granted({ name });
      } finally {
        owners.delete(name);
      }
    },
  };
}

/** A tab with its session storage; what it does comes next, until another tab is entered. */
export function openTab(session = new Entries()) {
  const tab = {};
  const enter = () => {
    vi.stubGlobal("sessionStorage", session);
    vi.stubGlobal("navigator", { locks: locksOf(tab) });
  };
  const close = () => owners.forEach((owner, name) => owner === tab && owners.delete(name));
  enter();
  return { drafts: new Drafts(), session, enter, close };
}

export function emptyBrowser(): void {
  owners.clear();
  vi.stubGlobal("localStorage", new Entries());
}
