import { describe, expect, it } from "vitest";
import { verdictOf } from "../../../frontend/src/state/verdict";
import type { Verification } from "../../../frontend/src/api/types";

const verification = (...passed: boolean[]): Verification => ({
  imageId: "0x01",
  passed: passed.every(Boolean),
  verdict: passed.every(Boolean) ? "valid" : "invalid",
  completeness: null,
  noise: [],
  noiseCount: 0,
  diagnoses: [],
  checks: passed.map((each, place) => ({ name: `check ${place}`, passed: each, expected: "a", found: "b" })),
});

describe("the verdict", () => {
  it("says what was verified, and that the result was not", () => {
    const { tone, title, text } = verdictOf(verification(true, true));
    expect([tone, title]).toEqual(["success", "Verified: the record is genuine"]);
    expect(text).toContain("(2 checks)");
    expect(text).toContain("Whether the result is correct, no check can say.");
  });

  it("counts what failed", () => {
    expect(verdictOf(verification(true, false, false))).toMatchObject({
      tone: "danger",
      title: "Not genuine: 2 of 3 checks failed",
    });
  });
});
