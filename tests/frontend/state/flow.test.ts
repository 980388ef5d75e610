import { describe, expect, it } from "vitest";
import { isKept, reduceFlow, START, stepNumber, type Flow, type FlowEvent } from "../../../frontend/src/state/flow";
import { UNREACHABLE } from "../../../frontend/src/state/problems";
import { classification, hash, image, transaction } from "../samples";

const file = new File(["x"], "scan.png", { type: "image/png" });
const after = (events: FlowEvent[], from: Flow = START): Flow => events.reduce(reduceFlow, from);

const TO_RESULT: FlowEvent[] = [
  { type: "file-chosen", file, problem: null },
  { type: "upload-started" },
  { type: "pinned", image },
  { type: "classified", classification },
];

describe("the flow of an image", () => {
  it("goes from a file to a record", () => {
    const steps = [...TO_RESULT, { type: "submitted", transaction }, { type: "recorded" }] as FlowEvent[];
    const seen = steps.map((_, place) => after(steps.slice(0, place + 1)).step);
    expect(seen).toEqual(["chosen", "uploading", "classifying", "result", "submitted", "recorded"]);
    expect(after(steps)).toEqual({ step: "recorded", image, classification, transaction });
  });

  it("refuses a file with its problem and stays at the start", () => {
    const flow = after([{ type: "file-chosen", file, problem: UNREACHABLE }]);
    expect(flow).toEqual({ step: "choose", problem: UNREACHABLE });
  });

  it("keeps the file when the upload fails, so that it can be tried again", () => {
    const failed = after([...TO_RESULT.slice(0, 2), { type: "upload-failed", problem: UNREACHABLE }]);
    expect(failed).toEqual({ step: "chosen", file, sealed: false, problem: UNREACHABLE });
    expect(after([{ type: "upload-started" }], failed)).toEqual({ step: "uploading", file, sealed: false, sent: 0 });
  });

  it("asks what the server asks, and remembers every answer about the file", () => {
    const asked = after([
      { type: "file-chosen", file, problem: null, removed: null },
      { type: "upload-started" },
      { type: "upload-questioned", question: { about: "kind" } },
    ]);
    expect(asked).toMatchObject({ step: "chosen", problem: null, question: { about: "kind" } });
    const again = after([{ type: "upload-started", answers: { pinAnyway: true } }], asked);
    expect(again).toEqual({ step: "uploading", file, sealed: false, removed: null, answers: { pinAnyway: true }, sent: 0 });
    const question = { about: "text" as const, boxes: [{ x: 1, y: 2, width: 3, height: 4 }] };
    const last = after([{ type: "upload-questioned", question }, { type: "upload-started", answers: { text: "mask" } }], again);
    expect(last).toMatchObject({ answers: { pinAnyway: true, text: "mask" } });
    expect(after([{ type: "file-chosen", file, problem: null }], asked)).not.toHaveProperty("question");
  });

  it("keeps the pinned image when the classification fails", () => {
    const failed = after([...TO_RESULT.slice(0, 3), { type: "classification-failed", problem: UNREACHABLE }]);
    expect(failed).toEqual({ step: "classifying", image, sealed: false, problem: UNREACHABLE });
    expect(after([{ type: "classification-started" }], failed)).toMatchObject({ problem: null });
    expect(after([{ type: "classified", classification: null }], failed)).toEqual({ step: "result", image, classification: null });
  });

  it("keeps the choice to seal from the file to the classification, over failures", () => {
    const chosen = after([TO_RESULT[0]!, { type: "sealing-chosen", sealed: true }]);
    const failed = after([{ type: "upload-started" }, { type: "upload-failed", problem: UNREACHABLE }], chosen);
    expect(failed).toMatchObject({ step: "chosen", sealed: true });
    expect(after([{ type: "file-chosen", file, problem: null }], failed)).toMatchObject({ sealed: true });
    const pinned = after([{ type: "upload-started" }, { type: "pinned", image }], failed);
    expect(pinned).toEqual({ step: "classifying", image, sealed: true, problem: null });
  });

  it("classifies again when a result is to be sealed or made public after all", () => {
    const sealed = reduceFlow(after(TO_RESULT), { type: "sealing-chosen", sealed: true });
    expect(sealed).toEqual({ step: "classifying", image, sealed: true, problem: null });
    const answered = after([{ type: "classified", classification: { ...classification, sealed: true } }], sealed);
    expect(reduceFlow(answered, { type: "sealing-chosen", sealed: false })).toMatchObject({ step: "classifying", sealed: false });
    expect(reduceFlow(answered, { type: "sealing-chosen", sealed: true })).toBe(answered);
  });

  it("goes back to the result, with nothing lost, to sign again", () => {
    const flow = after([...TO_RESULT, { type: "submitted", transaction }, { type: "sign-again" }]);
    expect(flow).toEqual({ step: "result", image, classification });
  });

  it("takes over the nonce that the server has seen", () => {
    const flow = after([...TO_RESULT, { type: "submitted", transaction }, { type: "nonce-known", nonce: 9 }]);
    expect(flow).toMatchObject({ transaction: { hash: transaction.hash, nonce: 9 } });
  });

  it.each<[string, FlowEvent]>([
    ["a late progress", { type: "upload-progressed", sent: 0.5 }],
    ["a second classification", { type: "classified", classification: null }],
    ["a doubled pin", { type: "pinned", image: { ...image, cid: "other" } }],
    ["a record of nothing submitted", { type: "recorded" }],
  ])("ignores %s", (_, event) => {
    const result = after(TO_RESULT);
    expect(reduceFlow(result, event)).toBe(result);
  });

  it("takes a transaction of the image that is shown only", () => {
    const result = after(TO_RESULT);
    const ofAnotherImage = { ...transaction, imageId: hash("e") };
    expect(reduceFlow(result, { type: "submitted", transaction: ofAnotherImage })).toBe(result);
    const another: Flow = { step: "result", image: { ...image, cid: "bafkreiother" }, classification };
    expect(reduceFlow(another, { type: "submitted", transaction })).toBe(another);
  });

  it("gets back the activation map of this very result, in every step", () => {
    const withMap = { ...classification, activationMap: "data:image/png;base64,AA==" };
    const fetched: FlowEvent = { type: "map-fetched", classification: withMap };
    const result = after(TO_RESULT);
    expect(reduceFlow(result, fetched)).toEqual({ ...result, classification: withMap });
    expect(after([...TO_RESULT, { type: "submitted", transaction }, fetched])).toMatchObject({ classification: withMap });
    const ofNewerModel = { ...withMap, manifestHash: hash("e") };
    expect(reduceFlow(result, { type: "map-fetched", classification: ofNewerModel })).toBe(result);
    expect(reduceFlow(START, fetched)).toBe(START);
  });

  it("restarts from everywhere and resumes what was kept", () => {
    const submitted = after([...TO_RESULT, { type: "submitted", transaction }]);
    expect(after([{ type: "restarted" }], submitted)).toBe(START);
    expect(isKept(submitted) && after([{ type: "resumed", flow: submitted }])).toBe(submitted);
  });

  it("keeps only what outlives a reload", () => {
    const kept = TO_RESULT.map((_, place) => isKept(after(TO_RESULT.slice(0, place + 1))));
    expect(kept).toEqual([false, false, true, true]);
  });

  it("numbers the steps in the order of the page", () => {
    const all = [...TO_RESULT, { type: "submitted", transaction }, { type: "recorded" }] as FlowEvent[];
    expect(all.map((_, place) => stepNumber(after(all.slice(0, place + 1))))).toEqual([0, 0, 1, 2, 3, 4]);
  });
});
