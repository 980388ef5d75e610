/** Statement, hashes and ids were computed with rfc8785, hashlib and eth_abi in Python. */

import { decodeFunctionData } from "viem/utils";
import { beforeEach, describe, expect, it } from "vitest";
import type { Diagnosis, Review } from "../../../frontend/src/api/types";
import { planReview, type Opinion } from "../../../frontend/src/chain/reviews";
import { abi } from "../../../frontend/src/chain/registry";
import { removePendingReview, savePendingReview, pendingReviews, reasonOf, type PendingReview } from "../../../frontend/src/state/pending-reviews";
import { emptyBrowser } from "../browser";
import { chain, hash, IMAGE_ID, OTHER } from "../samples";

const DIAGNOSIS_ID = "0x85dd8619131c3eea425c13fb3006a5696733d1a4ece3331edad1d446a26458be";
const REASON = "Seen “again”:\n\tno mass \\ é 你";
const diagnosis: Diagnosis = {
  diagnosisId: DIAGNOSIS_ID,
  sealed: false,
  status: "asserted",
  current: { label: "glioma", labelText: "Glioma", labelCode: 1 },
  label: "glioma",
  labelText: "Glioma",
  labelCode: 1,
  confidence: 0.9877,
  modelId: hash("a"),
  model: null,
  manifestHash: hash("b"),
  manifestCid: "bafkrei",
  issuedAt: 1_790_000_000,
  compromisedSince: null,
  classifier: OTHER,
  signature: "0x",
  transaction: { hash: hash("c"), explorerUrl: null },
  block: { number: 1, hash: hash("d"), timestamp: 1 },
  reviews: [],
};
const opinion: Opinion = { verdict: "overridden", label: { label: "notumor", code: 3 }, reason: REASON, outline: null, sliceOutlines: [] };
const plan = (of: Diagnosis = diagnosis, said: Opinion = opinion) => planReview(IMAGE_ID, of, said, OTHER, chain, hash("5"));
const sent = (...args: Parameters<typeof plan>) => decodeFunctionData({ abi, data: plan(...args).data }).args as [object, object];

describe("a review", () => {
  it("has a statement in canonical JSON", () => {
    expect(plan().statement).toBe(
      `{"diagnosisId":"${DIAGNOSIS_ID}","imageId":"${IMAGE_ID}","label":"notumor","labelCode":3,"reason":"Seen “again”:\\n\\tno mass \\\\ é 你","salt":"${"5".repeat(64)}","schema":"scanproof.review/1","verdict":"overridden"}`,
    );
  });

  it("has the corrected outline in its statement, as RFC 8785 writes numbers", () => {
    const corrected = plan(diagnosis, { ...opinion, outline: [[[1, 2.5], [30, 2], [3, 4.1]]] }).statement;
    expect(corrected).toContain('"labelCode":3,"outline":[[[1,2.5],[30,2],[3,4.1]]],"reason"');
    expect(plan(diagnosis, { ...opinion, outline: [] }).statement).toContain('"outline":[]');
  });

  it("names the slices whose outlines were corrected, as RFC 8785 sorts members", () => {
    const sliceOutlines = [{ order: 3, outline: [[[1, 2.5], [30, 2], [3, 4.1]]] as [number, number][][], cid: "bafk" }];
    const { statement } = plan(diagnosis, { ...opinion, sliceOutlines });
    expect(statement).toContain('"schema":"scanproof.review/1","sliceOutlines":[{"cid":"bafk","order":3,"outline":[[[1,2.5],[30,2],[3,4.1]]]}],"verdict"');
  });

  it("has the id that the contract gives it", () => {
    expect(plan()).toMatchObject({
      reviewId: "0x2b5cdc8f93e4c215a4aea1668fa75f50d31b974d2c6741c1ab1309444e7becb0",
      diagnosisId: DIAGNOSIS_ID,
      from: OTHER,
      contract: chain.contract,
      chainId: chain.id,
      functionName: "reviewDiagnosis",
      verdict: "overridden",
      label: 3,
      reasonHash: "0x36cc0cd7b600596421d0ef9ab76c68ed002900af50d884b93a4c3a35eefe7b78",
    });
  });

  it("gives the diagnosis as it was signed, and what is said of it", () => {
    expect(sent()).toEqual([
      { imageId: IMAGE_ID, modelId: hash("a"), label: 1, confidence: 9877, manifestHash: hash("b"), issuedAt: 1_790_000_000n },
      {
        supersedes: DIAGNOSIS_ID,
        reasonHash: "0x36cc0cd7b600596421d0ef9ab76c68ed002900af50d884b93a4c3a35eefe7b78",
        verdict: 1,
        label: 3,
      },
    ]);
  });

  it("supersedes the newest review", () => {
    const reviews = [{ reviewId: hash("1") }, { reviewId: hash("2") }] as Review[];
    expect(sent({ ...diagnosis, reviews })[1]).toMatchObject({ supersedes: hash("2") });
  });

  it.each<[Opinion["verdict"], number, number, string | null]>([
    ["confirmed", 0, 1, "glioma"],
    ["withdrawn", 2, 0, null],
  ])("that %s gives the label which the contract wants", (verdict, code, label, name) => {
    const said = { verdict, label: null, reason: "r", outline: null, sliceOutlines: [] };
    expect(sent(diagnosis, said)[1]).toMatchObject({ verdict: code, label });
    expect(JSON.parse(plan(diagnosis, said).statement)).toMatchObject({ verdict, labelCode: label, label: name });
  });

  it.each(["confirmed", "overridden"] as const)("that %s of a sealed diagnosis tells no label", (verdict) => {
    const sealed: Diagnosis = { ...diagnosis, sealed: true, label: "sealed", labelCode: 65_535, confidence: null };
    const said = { ...opinion, verdict };
    expect(sent(sealed, said)).toMatchObject([{ label: 65_535, confidence: 0 }, { label: 65_535 }]);
    expect(JSON.parse(plan(sealed, said).statement)).toMatchObject({ label: null, labelCode: 65_535 });
  });

  it("cannot override without another label", () => {
    expect(() => plan(diagnosis, { ...opinion, label: null })).toThrow("to override needs another label");
  });

  it("has another hash with another salt", () => {
    expect(planReview(IMAGE_ID, diagnosis, opinion, OTHER, chain, hash("6")).reviewId).not.toBe(plan().reviewId);
  });
});

describe("reviews on their way", () => {
  beforeEach(emptyBrowser);
  const kept = (digit: string, savedAt: number): PendingReview => {
    const { statement, diagnosisId } = plan();
    return { reviewId: hash(digit), diagnosisId, imageId: IMAGE_ID, sealed: false, statement, transaction: null, savedAt };
  };

  it("are kept with their reasons until they are forgotten, oldest first", () => {
    savePendingReview(kept("2", 20));
    savePendingReview(kept("1", 10));
    expect(pendingReviews().map(({ reviewId }) => reviewId)).toEqual([hash("1"), hash("2")]);
    expect(reasonOf(pendingReviews()[0]!)).toBe(REASON);
    removePendingReview(hash("1"));
    expect(pendingReviews().map(({ reviewId }) => reviewId)).toEqual([hash("2")]);
  });
});
