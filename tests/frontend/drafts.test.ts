import { beforeEach, describe, expect, it, vi } from "vitest";
import { Drafts } from "../../frontend/src/state/drafts";
import type { Flow } from "../../frontend/src/state/flow";
import { classification, image, transaction } from "./samples";

/** The browser's storage. */
class Entries implements Storage {
  [key: string]: unknown;
  getItem = (key: string) => (Object.hasOwn(this, key) ? (this[key] as string) : null);
  setItem = (key: string, value: string) => void (this[key] = value);
  removeItem = (key: string) => void delete this[key];
  clear = () => undefined;
  key = () => null;
  length = 0;
}

type Granted = (lock: { name: string } | null) => unknown;
const held = new Map<string, Drafts>();

/** The browser's Web Locks, held by tabs until they are closed. */
function locksOf(tab: () => Drafts) {
  return {
    query: () => Promise.resolve({ held: [...held.keys()].map((name) => ({ name })) }),
    request: (name: string, _options: object, granted: Granted) => {
      if (held.has(name)) return Promise.resolve(granted(null));
      held.set(name, tab());
      return Promise.resolve(granted({ name }));
    },
  };
}

function openTab(session = new Entries()) {
  const drafts = new Drafts();
  const enter = () => {
    vi.stubGlobal("sessionStorage", session);
    vi.stubGlobal("navigator", { locks: locksOf(() => drafts) });
  };
  const close = () => held.forEach((owner, name) => owner === drafts && held.delete(name));
  enter();
  return { drafts, session, enter, close };
}

const result: Flow = { step: "result", image, classification };

beforeEach(() => {
  held.clear();
  vi.stubGlobal("localStorage", new Entries());
});

describe("drafts", () => {
  it("come back after a reload", async () => {
    const tab = openTab();
    tab.drafts.save(result);
    tab.close();
    const reloaded = openTab(tab.session);
    expect((await reloaded.drafts.restore())?.flow).toEqual(result);
  });

  it("are not shared by two tabs, even if one is a duplicate of the other", async () => {
    const first = openTab();
    first.drafts.save(result);
    const copy = new Entries();
    copy.setItem("scanproof.draft", first.session.getItem("scanproof.draft")!);
    const second = openTab(copy);
    expect(await second.drafts.restore()).toBeNull();
    expect(await second.drafts.abandoned()).toEqual([]);
    second.drafts.save({ ...result, classification: null });
    second.close();
    first.close();
    const reloaded = openTab(first.session);
    expect((await reloaded.drafts.restore())?.flow).toEqual(result);
  });

  it("of closed tabs are offered and can be taken over once", async () => {
    const closed = openTab();
    closed.drafts.save(result);
    closed.close();
    const tab = openTab();
    const [draft] = await tab.drafts.abandoned();
    expect(draft?.flow).toEqual(result);
    expect((await tab.drafts.take(draft!.id))?.flow).toEqual(result);
    expect(await openTab().drafts.take(draft!.id)).toBeNull();
  });

  it("are forgotten when they are finished, or recorded and left", async () => {
    const tab = openTab();
    tab.drafts.save(result);
    tab.drafts.finish();
    tab.close();
    expect(await openTab(tab.session).drafts.restore()).toBeNull();
    const recorded = openTab();
    recorded.drafts.save({ step: "recorded", image, classification, transaction });
    recorded.close();
    expect(await openTab().drafts.abandoned()).toEqual([]);
    expect(Object.keys(localStorage).filter((key) => key.startsWith("scanproof.draft."))).toEqual([]);
  });

  it("do not keep files", async () => {
    const tab = openTab();
    tab.drafts.save({ step: "choose", problem: null });
    expect(tab.session.getItem("scanproof.draft")).toBeNull();
  });

  it("that are broken are no drafts", async () => {
    localStorage.setItem("scanproof.draft.x", "{broken");
    localStorage.setItem("scanproof.draft.y", '{"flow": 5}');
    localStorage.setItem("scanproof.draft.z", '{"flow": null}');
    expect(await openTab().drafts.abandoned()).toEqual([]);
  });
});
