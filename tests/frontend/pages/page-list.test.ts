import { beforeEach, describe, expect, it, vi } from "vitest";
import { ServerUnreachable } from "../../../frontend/src/api/errors";
import { PageList, type Page } from "../../../frontend/src/pages/page-list";
import { host } from "../browser";

const index = { block: 9, head: 9, synced: true };
const page = (items: number[], next: string | null): Page<number> => ({ items, next, index });

const list = () => new PageList<number>(host, "step");

// Where the page's live region listens.
beforeEach(() => void vi.stubGlobal("window", new EventTarget()));

describe("a list that is loaded page by page", () => {
  it("asks for each page with the cursor of the one before", async () => {
    const pages: Record<string, Page<number>> = { first: page([9, 8], "8.0"), "8.0": page([7], null) };
    const steps = list();
    await steps.load(async (cursor) => pages[cursor ?? "first"]!);
    expect([steps.items, steps.next, steps.index]).toEqual([[9, 8], "8.0", index]);
    await steps.more();
    expect([steps.items, steps.next, steps.loading]).toEqual([[9, 8, 7], null, false]);
  });

  it("throws away what arrives about an older list", async () => {
    const steps = list();
    let late: (page: Page<number>) => void = () => undefined;
    const older = steps.load(() => new Promise((resolve) => (late = resolve)));
    await steps.load(async () => page([1], null));
    late(page([2], "2.0"));
    await older;
    expect([steps.items, steps.next]).toEqual([[1], null]);
  });

  it("keeps what it has when a page fails, and asks for that page again", async () => {
    const steps = list();
    let up = true;
    await steps.load(async (cursor) => {
      if (!up) throw new ServerUnreachable("down");
      return cursor === null ? page([9], "9.0") : page([8], null);
    });
    up = false;
    await steps.more();
    expect([steps.items, steps.next, steps.problem === null]).toEqual([[9], "9.0", false]);
    up = true;
    await steps.more();
    expect([steps.items, steps.next, steps.problem]).toEqual([[9, 8], null, null]);
  });
});
