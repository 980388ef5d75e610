import { inflateRawSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Classification, Config } from "../../../frontend/src/api/types";
import type { PendingTransaction } from "../../../frontend/src/chain/transaction-state";
import { FlowController } from "../../../frontend/src/pages/flow-controller";
import type { KeptFlow } from "../../../frontend/src/state/flow";
import { emptyBrowser, host, openTab } from "../browser";
import vectors from "../slides/vectors.json";
import { chain, classification, hash, image, limits, status, transaction } from "../samples";

const first = { image, classification };
const second = { image: { ...image, cid: "bafkreisecond" }, classification: { ...classification, cid: "bafkreisecond" } };
const resultOf = (work: typeof first): KeptFlow => ({ step: "result", ...work });
const withMap: Classification = { ...classification, activationMap: "data:image/png;base64,AA==" };

/** What the server says of every transaction. */
let said = status("pending");
const asked: string[] = [];

function openPage() {
  const control = new FlowController({ ...host, config: { chain } as Config });
  control.hostConnected();
  const listed = () => control.abandoned.map(({ id, flow }) => [flow.image.cid, control.background.states.get(id)]);
  return { control, listed };
}

function atResult(page: ReturnType<typeof openPage>, work = first) {
  page.control.reduce({ type: "resumed", flow: resultOf(work) });
  return page;
}

beforeEach(() => {
  vi.useFakeTimers();
  emptyBrowser();
  vi.stubGlobal("window", new EventTarget());
  said = status("pending");
  asked.length = 0;
  vi.stubGlobal("fetch", (url: string, { body }: { body?: string }) => {
    asked.push(body ? `${url} ${body}` : url);
    return Promise.resolve(new Response(JSON.stringify(url.includes("/transactions/") ? said : withMap)));
  });
});
afterEach(() => vi.useRealTimers());

describe("a transaction and the image that it is about", () => {
  it("belong together when the wallet answers", () => {
    openTab();
    const { control } = atResult(openPage());
    control.submitted(first, transaction);
    expect(control.flow).toEqual({ step: "submitted", ...first, transaction });
  });

  it("stay together, kept and followed, when another image is shown by then", async () => {
    openTab();
    const page = atResult(openPage());
    await page.control.restart();
    atResult(page, second);
    page.control.submitted(first, transaction);
    await vi.advanceTimersByTimeAsync(10);
    expect(page.control.flow).toEqual(resultOf(second));
    expect(page.control.abandoned.map(({ flow }) => flow)).toEqual([{ step: "submitted", ...first, transaction }]);
    expect(page.listed()).toEqual([[image.cid, "pending"]]);
  });
});

describe("another image while a transaction is on its way", () => {
  async function left() {
    const tab = openTab();
    const page = atResult(openPage());
    page.control.submitted(first, transaction);
    await page.control.restart();
    await vi.advanceTimersByTimeAsync(10);
    return { tab, ...page };
  }

  it("can be started; the first is listed and goes on", async () => {
    const { control, listed } = await left();
    expect(control.flow.step).toBe("choose");
    expect(listed()).toEqual([[image.cid, "pending"]]);
    said = status("mined");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(listed()).toEqual([[image.cid, "mined"]]);
  });

  it("does not stop the first from being recorded, which is said and needs no draft any more", async () => {
    const { control, listed } = await left();
    const heard: string[] = [];
    window.addEventListener("scanproof:announce", (event) => heard.push((event as CustomEvent<string>).detail));
    atResult({ control, listed }, second);
    said = status("confirmed");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(heard).toEqual([expect.stringContaining("is on the chain")]);
    await control.restart();
    expect(listed()).toEqual([[image.cid, "confirmed"]]);
    expect(Object.keys(localStorage).filter((key) => key.startsWith("scanproof.draft."))).toEqual([]);
    control.discard(control.abandoned[0]!.id);
    expect(control.abandoned).toEqual([]);
  });

  it("is followed by its own panel only, once it is shown again", async () => {
    const { control } = await left();
    await control.resume(control.abandoned[0]!.id);
    expect(control.flow).toMatchObject({ step: "submitted", image, transaction });
    asked.length = 0;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked.filter((url) => url.includes("/transactions/"))).toEqual([]);
  });

  it("goes on after a reload, too", async () => {
    const { tab } = await left();
    tab.close();
    openTab();
    const { listed } = openPage();
    await vi.advanceTimersByTimeAsync(10);
    expect(listed()).toEqual([[image.cid, "pending"]]);
  });

  it("does not ask this server about a transaction on another chain", async () => {
    const { drafts } = openTab();
    const elsewhere: PendingTransaction = { ...transaction, chainId: 5 };
    drafts.keep({ step: "submitted", ...first, transaction: elsewhere });
    drafts.keep({ step: "submitted", ...first, transaction: { ...transaction, contract: `0x${hash("9").slice(-40)}` } });
    const { listed } = openPage();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(listed()).toEqual([[image.cid, undefined], [image.cid, undefined]]);
    expect(asked).toEqual([]);
  });
});

describe("a result after a reload", () => {
  it("gets its activation map from the server, by the model that it came from", async () => {
    const tab = openTab();
    tab.drafts.save(resultOf({ image, classification: withMap }));
    tab.close();
    openTab(tab.session);
    const { control } = openPage();
    await vi.advanceTimersByTimeAsync(10);
    expect(asked).toEqual([`/api/v1/images/${image.cid}/classifications {"model":"brain-mri","sealed":false}`]);
    expect(control.flow).toEqual(resultOf({ image, classification: withMap }));
  });

  it("is still there with its opening when it is sealed, and is not asked for, which would make it public", async () => {
    const sealed = { ...withMap, sealed: true, opening: "{}", activationMap: null };
    const tab = openTab();
    tab.drafts.save(resultOf({ image, classification: sealed }));
    tab.close();
    openTab(tab.session);
    const { control } = openPage();
    await vi.advanceTimersByTimeAsync(10);
    expect(asked).toEqual([]);
    expect(control.flow).toEqual(resultOf({ image, classification: sealed }));
  });

  it("is asked for sealed again, when the page was left while it was classified", async () => {
    const tab = openTab();
    tab.drafts.save({ step: "classifying", image, sealed: true, problem: null });
    tab.close();
    openTab(tab.session);
    openPage();
    await vi.advanceTimersByTimeAsync(10);
    expect(asked).toEqual([`/api/v1/images/${image.cid}/classifications {"model":null,"sealed":true}`]);
  });
});

describe("a whole slide", () => {
  const [vector] = vectors.files;
  const content = new Uint8Array(inflateRawSync(Buffer.from(vector!.input, "base64")));
  const requests: StandInRequest[] = [];

  /** As a browser's, but that it never ends by itself. */
  class StandInRequest {
    upload: { onprogress?: (event: { loaded: number; total: number; lengthComputable: boolean }) => void } = {};
    onabort?: () => void;
    opened: string[] = [];
    sent: FormData | null = null;
    open = (...opened: string[]) => void (this.opened = opened);
    setRequestHeader = () => undefined;
    send = (body: FormData) => void (requests.push(this), (this.sent = body));
    abort = () => this.onabort?.();
  }

  it("is read, goes to the resource of slides without identifiers, and can be cancelled", async () => {
    vi.useRealTimers();
    vi.stubGlobal("XMLHttpRequest", StandInRequest);
    openTab();
    const { control } = openPage();
    const choosing = control.choose(new File([content], "DOE^JANE.svs"), limits);
    expect(control.reading?.name).toBe("DOE^JANE.svs");
    await choosing;
    expect(control.reading).toBeNull();
    expect(control.flow).toMatchObject({ step: "chosen", problem: null, levels: [{ width: 96, height: 80 }, {}, {}] });

    const sending = control.start();
    const [request] = requests;
    request!.upload.onprogress!({ loaded: 1, total: 4, lengthComputable: true });
    expect(control.flow).toMatchObject({ step: "uploading", sent: 0.25 });
    expect(request!.opened).toEqual(["POST", "/api/v1/slides"]);
    const file = request!.sent!.get("file") as File;
    expect([file.name, file.size]).toEqual(["image", content.length]);
    expect(Buffer.from(await file.arrayBuffer()).includes("DOE")).toBe(false);

    control.cancel();
    await sending;
    expect(control.flow).toMatchObject({ step: "chosen", problem: null, levels: [{ width: 96, height: 80 }, {}, {}] });
  });

  it("that cannot be read is refused in words", async () => {
    vi.useRealTimers();
    const { control } = openPage();
    await control.choose(new File([content.slice(0, -400)], "a.svs"), { ...limits, maxBytes: 1_000 });
    expect(control.flow).toMatchObject({ step: "choose", problem: { kind: "file-refused", title: "This slide cannot be used" } });
  });

  it("that another file was chosen after is forgotten", async () => {
    vi.useRealTimers();
    const { control } = openPage();
    const first = control.choose(new File([content], "a.svs"), limits);
    await control.choose(new File([], "empty.png"), limits);
    await first;
    expect(control.flow).toMatchObject({ step: "choose", problem: { kind: "file-empty" } });
  });
});
