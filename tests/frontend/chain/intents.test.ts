import { encodeErrorResult } from "viem/utils";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Hex, ImageRecord } from "../../../frontend/src/api/types";
import type { Wallet } from "../../../frontend/src/chain/discovery";
import { lookUp } from "../../../frontend/src/chain/intent-watch";
import { forget, INTENT_KEPT_MS, intents, transactionOf, type Intent } from "../../../frontend/src/chain/intents";
import { abi } from "../../../frontend/src/chain/registry";
import { emptyBrowser } from "../browser";
import { chain, CID, hash, IMAGE_ID, OTHER, transaction, UPLOADER } from "../samples";

const { hash: SENT, submittedAt, ...about } = transaction;
const intent: Intent = { ...about, data: "0x01", hash: null, failure: null, wallet: "W", askedAt: submittedAt };
const review: Intent = { ...intent, kind: "review", diagnosisId: hash("d"), reviewId: hash("e") };

beforeEach(() => {
  emptyBrowser();
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(submittedAt);
});

describe("intents", () => {
  it("are found by what they write, on their own chain and contract", () => {
    intents.save(intent);
    expect(intents.find(IMAGE_ID, chain)).toEqual(intent);
    expect(intents.find(IMAGE_ID, { ...chain, id: 1 })).toBeNull();
    expect(intents.find(IMAGE_ID, { ...chain, contract: OTHER })).toBeNull();
    expect(intents.find(hash("d"), chain)).toBeNull();
  });

  it("are found by the image, whichever account was to record it; reviews of it are not", () => {
    intents.save(intent);
    intents.save(review);
    expect(intents.ofImage(CID, chain)).toEqual([intent]);
    expect(intents.ofImage("bafkreiother", chain)).toEqual([]);
  });

  it("end after a day", () => {
    intents.save(intent);
    vi.setSystemTime(submittedAt + INTENT_KEPT_MS);
    expect(intents.find(IMAGE_ID, chain)).toEqual(intent);
    vi.setSystemTime(submittedAt + INTENT_KEPT_MS + 1);
    expect(intents.find(IMAGE_ID, chain)).toBeNull();
    expect(Object.keys(localStorage).filter((key) => key.startsWith("scanproof.intent."))).toEqual([]);
  });

  it("end with their own transaction only", () => {
    intents.save({ ...intent, hash: SENT });
    forget({ ...transaction, hash: hash("9") });
    expect(intents.find(IMAGE_ID, chain)).not.toBeNull();
    forget(transaction);
    expect(intents.find(IMAGE_ID, chain)).toBeNull();
    intents.save({ ...review, hash: SENT });
    forget(transactionOf(review, SENT));
    expect(intents.find(hash("d"), chain)).toBeNull();
  });

  it("that are broken are none", () => {
    intents.save(intent);
    const [key] = Object.keys(localStorage).filter((name) => name.startsWith("scanproof.intent."));
    for (const broken of ["{", "5", "{}", "null"]) {
      localStorage.setItem(key!, broken);
      expect(intents.find(IMAGE_ID, chain)).toBeNull();
      expect(intents.ofImage(CID, chain)).toEqual([]);
    }
  });

  it("notify this tab and others", () => {
    const page = new EventTarget();
    vi.stubGlobal("window", page);
    const heard = vi.fn();
    const stop = intents.watch(heard);
    const store = (key: string | null) => page.dispatchEvent(Object.assign(new Event("storage"), { key }));
    intents.save(intent);
    store("scanproof.intent.x");
    store(null);
    store("scanproof.draft.x");
    expect(heard).toHaveBeenCalledTimes(3);
    stop();
    intents.remove(intent);
    store("scanproof.intent.x");
    expect(heard).toHaveBeenCalledTimes(3);
  });
});

describe("what became of a request", () => {
  const link = (digit: string) => ({ hash: hash(digit), explorerUrl: null });
  const diagnosis = (manifestHash: Hex, reviews: object[] = []) => ({ manifestHash, transaction: link("2"), reviews });
  const record = (...diagnoses: object[]) => ({ imageId: IMAGE_ID, transaction: link("1"), diagnoses }) as unknown as ImageRecord;
  const server = (...records: ImageRecord[]) => ({
    records: vi.fn().mockResolvedValue({ records, next: null, index: { block: 1, head: 1, synced: true } }),
  });
  const reverts = (errorName: string, args: unknown[]) => () =>
    Promise.reject(Object.assign(new Error("reverted"), { data: encodeErrorResult({ abi, errorName, args }) }));

  /** `mined` and `pending` are the counts of the account's transactions. */
  function walletOf({ call = () => Promise.resolve("0x"), mined = 4, pending = 4 }: { call?: () => Promise<unknown>; mined?: number; pending?: number } = {}): Wallet {
    const request = ({ method, params }: { method: string; params?: unknown[] }): Promise<unknown> => {
      if (method === "eth_call") return call();
      return Promise.resolve(params?.[1] === "latest" ? mined : pending);
    };
    return { uuid: "u", name: "W", icon: null, rdns: "", provider: { request, on: () => undefined } };
  }

  it("is its transaction, once the wallet has answered in any tab", async () => {
    const found = server();
    expect(await lookUp({ ...intent, hash: SENT }, found, null)).toEqual({ state: "found", transaction });
    expect(found.records).not.toHaveBeenCalled();
  });

  it.each<[string, Intent, ImageRecord, string]>([
    ["an image", { ...intent, kind: "image" }, record(), "1"],
    ["image and diagnosis", intent, record(diagnosis(hash("b"))), "2"],
    ["a diagnosis", { ...intent, kind: "diagnosis" }, record(diagnosis(hash("9")), diagnosis(hash("b"))), "2"],
    ["a review", review, record(diagnosis(hash("b"), [{ reviewId: hash("e"), transaction: link("3") }])), "3"],
  ])("is the record of %s on the chain", async (_, asked, shown, digit) => {
    const expected = { state: "found", transaction: { ...transactionOf(asked, hash(digit)) } };
    expect(await lookUp(asked, server(shown), null)).toEqual(expected);
    // Simulated again it would be refused, because it is written.
    const refused = walletOf({ call: reverts("ImageAlreadyRegistered", [IMAGE_ID]) });
    expect(await lookUp(asked, server(shown), refused)).toEqual(expected);
  });

  it("is not a record that the server gives for another search", async () => {
    const other = { ...record(), imageId: hash("7") };
    expect(await lookUp({ ...intent, kind: "image" }, server(other), null)).toEqual({ state: "asking" });
  });

  it.each<[string, Intent, ImageRecord[], Wallet | null]>([
    ["the image was registered without this diagnosis", intent, [record(diagnosis(hash("9")))], null],
    ["the contract has the image", intent, [], walletOf({ call: reverts("ImageAlreadyRegistered", [IMAGE_ID]) })],
    ["another review came first", review, [record(diagnosis(hash("b")))], walletOf({ call: reverts("NotNewestStep", [hash("1"), hash("2")]) })],
  ])("is nothing any more when %s", async (_, asked, records, wallet) => {
    expect(await lookUp(asked, server(...records), wallet)).toEqual({ state: "superseded" });
  });

  it("is open while the contract refuses it for what can pass", async () => {
    const wallet = walletOf({ call: reverts("ModelNotInUse", [hash("a"), 2]) });
    expect(await lookUp(intent, server(), wallet)).toEqual({ state: "asking" });
  });

  it.each([
    ["no transaction since", 4, 4, "asking"],
    ["one that waits for its block", 4, 5, "under-way"],
    ["one that is mined and wrote something else", 5, 5, "asking"],
    ["one from before that still waits", 3, 4, "asking"],
  ])("follows from the account's transactions: %s", async (_, mined, pending, state) => {
    expect(await lookUp(intent, server(), walletOf({ mined, pending }))).toEqual({ state });
  });

  it("is open when the wallet's node does not answer", async () => {
    const silent = walletOf({ call: () => Promise.reject(new Error("offline")) });
    silent.provider.request = () => Promise.reject(new Error("offline"));
    expect(await lookUp(intent, server(), silent)).toEqual({ state: "asking" });
  });

  it("is unknown when the server does not answer", async () => {
    const gone = { records: () => Promise.reject(new Error("gone")) };
    await expect(lookUp(intent, gone, null)).rejects.toThrow("gone");
  });

  it("belongs to the account that asked", () => {
    expect(transactionOf(intent, SENT)).toEqual(transaction);
    expect(transactionOf(review, SENT)).toMatchObject({ from: UPLOADER, kind: "review", reviewId: hash("e"), diagnosisId: hash("d") });
  });
});
