import { describe, expect, it } from "vitest";
import type { Study, StudyResult } from "../../../frontend/src/api/types";
import type { PendingTransaction } from "../../../frontend/src/chain/transaction-state";
import {
  checkStudy,
  classificationOf,
  countsInWords,
  inOrder,
  reduceStudy,
  studyStepNumber,
  type StudyFlow,
} from "../../../frontend/src/state/study";

const file = (name: string) => ({ name, size: 1, bytes: () => Promise.resolve(new Uint8Array(1)) });
const slice = (order: number, label: string) => ({ order, label, labelText: label.toUpperCase() });
const result = {
  cid: "bafkstudy",
  manifestHash: "0xab",
  summary: { label: "glioma", labelCode: 1, labelText: "Glioma", confidence: 0.9, abstained: false, reason: null, deciding: [1, 2], counts: { notumor: 1, glioma: 2 } },
  slices: [slice(0, "notumor"), slice(1, "glioma"), slice(2, "glioma")],
} as unknown as StudyResult;
const study = (changes: Partial<Study>): Study =>
  ({ studyId: "s", files: 3, missing: [], leftOut: [], slices: 3, classified: 3, screened: 0, objects: 4, pinned: 0, signable: false, result, ...changes });
const transaction = { hash: "0x1", nonce: 1 } as unknown as PendingTransaction;
const start: StudyFlow = { step: "reading", done: 0, total: 3, study: null, problem: null };

describe("a study", () => {
  it("goes from files to a record", () => {
    let flow = reduceStudy(start, { type: "working", step: "sending", done: 1, total: 3 });
    expect(flow).toEqual({ step: "sending", done: 1, total: 3, study: null, problem: null });
    flow = reduceStudy(flow, { type: "loaded", study: study({}) });
    expect([flow.step, studyStepNumber(flow)]).toEqual(["preview", 2]);
    flow = reduceStudy(flow, { type: "working", step: "pinning", done: 1, total: 4 });
    expect(flow.study?.result).toBe(result);
    flow = reduceStudy(flow, { type: "loaded", study: study({ signable: true }) });
    flow = reduceStudy(flow, { type: "submitted", transaction });
    flow = reduceStudy(flow, { type: "nonce-known", nonce: 7 });
    expect(flow.step === "submitted" && flow.transaction.nonce).toBe(7);
    expect(reduceStudy(flow, { type: "sign-again" }).step).toBe("signing");
    flow = reduceStudy(flow, { type: "recorded" });
    expect([flow.step, studyStepNumber(flow)]).toEqual(["recorded", 3]);
  });

  it("keeps its place when a step fails, and goes on", () => {
    const problem = { kind: "k", tone: "warning" as const, title: "t", text: "x" };
    const failed = reduceStudy(start, { type: "failed", problem });
    expect(failed).toEqual({ ...start, problem });
    expect(reduceStudy(failed, { type: "working", step: "reading", done: 1, total: 3 })).toMatchObject({ done: 1, problem: null });
  });

  it("asks for files that are missing after a reload, and goes on where it was", () => {
    expect(reduceStudy(start, { type: "loaded", study: study({ missing: ["a"] }) }).step).toBe("lacking");
    expect(reduceStudy(start, { type: "loaded", study: study({ result: null, classified: 1 }) }).step).toBe("classifying");
  });

  it("ignores what does not belong to the present step", () => {
    for (const event of [{ type: "submitted", transaction }, { type: "recorded" }, { type: "sign-again" }] as const) {
      expect(reduceStudy(start, event)).toBe(start);
    }
  });

  it("has its files in the order of their numbers, without those of the system", () => {
    const names = ["s/10.png", "s/9.png", "s/.DS_Store", "__MACOSX/s/9.png", "s/Thumbs.db"];
    expect(inOrder(names.map(file)).map(({ name }) => name)).toEqual(["s/9.png", "s/10.png"]);
  });

  it("is refused before anything is read", () => {
    expect(checkStudy([])?.kind).toBe("study-empty");
    expect(checkStudy(Array.from({ length: 2001 }, (_, n) => file(`${n}`)))?.text).toBe(
      "There are 2001 files; a study has at most 2000. Choose one series.",
    );
    expect(checkStudy([file("a")])).toBeNull();
  });

  it("is signed as what its summary says", () => {
    expect(classificationOf(result)).toMatchObject({ cid: "bafkstudy", manifestHash: "0xab", labelCode: 1, confidence: 0.9, sealed: false });
    expect(countsInWords(result)).toBe("2 × GLIOMA, 1 × NOTUMOR");
  });
});
