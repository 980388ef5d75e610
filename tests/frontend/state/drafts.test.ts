import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { KEPT_MS } from "../../../frontend/src/state/drafts";
import type { KeptFlow } from "../../../frontend/src/state/flow";
import { emptyBrowser, Entries, openTab } from "../browser";
import { classification, image, transaction } from "../samples";

const result: KeptFlow = { step: "result", image, classification };
const submitted: KeptFlow = { step: "submitted", image, classification, transaction };

beforeEach(emptyBrowser);
afterEach(() => vi.useRealTimers());

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
    await tab.drafts.finish();
    tab.close();
    expect(await openTab(tab.session).drafts.restore()).toBeNull();
    const recorded = openTab();
    recorded.drafts.save({ step: "recorded", image, classification, transaction });
    recorded.close();
    expect(await openTab().drafts.abandoned()).toEqual([]);
    expect(Object.keys(localStorage).filter((key) => key.startsWith("scanproof.draft."))).toEqual([]);
  });

  it("that are left can be continued in the same tab or another one", async () => {
    const tab = openTab();
    tab.drafts.save(submitted);
    expect(await tab.drafts.abandoned()).toEqual([]);
    await tab.drafts.leave();
    tab.drafts.save({ ...result, image: { ...image, cid: "second" } });
    const [draft, ...others] = await tab.drafts.abandoned();
    expect([draft?.flow, others]).toEqual([submitted, []]);
    expect((await openTab().drafts.take(draft!.id))?.flow).toEqual(submitted);
  });

  it("do not keep the activation map", async () => {
    const tab = openTab();
    const activationMap = `data:image/png;base64,${"A".repeat(95_000)}`;
    tab.drafts.save({ ...result, classification: { ...classification, activationMap } });
    tab.close();
    const [key] = Object.keys(localStorage).filter((name) => name.startsWith("scanproof.draft."));
    expect(localStorage.getItem(key!)!.length).toBeLessThan(5_000);
    expect((await openTab(tab.session).drafts.restore())?.flow).toEqual(result);
  });

  it("expire, unless a transaction is on its way", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    for (const flow of [result, submitted]) {
      const tab = openTab();
      tab.drafts.save(flow);
      tab.close();
    }
    vi.setSystemTime(Date.now() + KEPT_MS);
    expect(await openTab().drafts.abandoned()).toHaveLength(2);
    vi.setSystemTime(Date.now() + 1);
    const left = await openTab().drafts.abandoned();
    expect(left.map(({ flow }) => flow)).toEqual([submitted]);
    expect(Object.keys(localStorage).filter((key) => key.startsWith("scanproof.draft."))).toHaveLength(1);
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
