import { describe, expect, it } from "vitest";
import { makePlan, type Cost } from "../../../frontend/src/chain/transactions";
import { UNREACHABLE } from "../../../frontend/src/state/problems";
import { IDLE, isBusy, reduceSigning, type Signing, type SigningEvent } from "../../../frontend/src/state/signing";
import { attestation, chain, CID, UPLOADER } from "../samples";

const plan = makePlan("both", CID, UPLOADER, chain, attestation);
const cost: Cost = { gas: 70_000n, limit: 84_000n, gasPrice: 2n, fee: 140_000n, balance: 10n ** 18n };
const CHECKED: SigningEvent[] = [{ type: "prepared", plan, cost }, { type: "checking" }];
const ASKED: SigningEvent[] = [...CHECKED, { type: "asked", cost }];
const after = (...events: SigningEvent[]): Signing => events.reduce(reduceSigning, IDLE);

describe("signing", () => {
  it("goes from preparing to the wallet's window", () => {
    expect(after({ type: "preparing" }).phase).toBe("preparing");
    expect(after({ type: "prepared", plan, cost })).toEqual({ phase: "ready", plan, cost, problem: null });
    expect(after(...CHECKED)).toEqual({ phase: "checking", plan, cost });
    const dearer = { ...cost, fee: 150_000n };
    expect(after(...CHECKED, { type: "asked", cost: dearer })).toEqual({ phase: "waiting", plan, cost: dearer });
  });

  it("keeps the plan when the person declines", () => {
    const ready = { phase: "ready", plan, cost, problem: UNREACHABLE };
    expect(after(...ASKED, { type: "refused", problem: UNREACHABLE })).toEqual(ready);
    expect(after(...CHECKED, { type: "refused", problem: UNREACHABLE })).toEqual(ready);
  });

  it("is busy only from the click to the wallet's answer", () => {
    const phases = [IDLE, after({ type: "preparing" }), after({ type: "prepared", plan, cost })];
    expect(phases.map(isBusy)).toEqual([false, false, false]);
    expect([after(...CHECKED), after(...ASKED)].map(isBusy)).toEqual([true, true]);
  });

  it("does not ask for what was not simulated again, nor refuse what was not asked", () => {
    expect(after({ type: "checking" })).toBe(IDLE);
    const ready = after({ type: "prepared", plan, cost });
    expect(reduceSigning(ready, { type: "asked", cost })).toBe(ready);
    expect(reduceSigning(ready, { type: "refused", problem: UNREACHABLE })).toBe(ready);
  });

  it("knows of an earlier registration", () => {
    expect(after({ type: "registered", plan, record: null })).toEqual({ phase: "registered", plan, record: null });
  });

  it("forgets everything when the account is gone", () => {
    expect(after({ type: "prepared", plan, cost }, { type: "not-ready" })).toBe(IDLE);
  });
});
