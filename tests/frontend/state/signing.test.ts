import { describe, expect, it } from "vitest";
import { makePlan, type Cost } from "../../../frontend/src/chain/transactions";
import { UNREACHABLE } from "../../../frontend/src/state/problems";
import { IDLE, isBusy, reduceSigning, type Signing, type SigningEvent } from "../../../frontend/src/state/signing";
import { attestation, chain, CID, UPLOADER } from "../samples";

const plan = makePlan("both", CID, UPLOADER, chain, attestation);
const cost: Cost = { gas: 70_000n, gasPrice: 2n, fee: 140_000n, balance: 10n ** 18n };
const after = (...events: SigningEvent[]): Signing => events.reduce(reduceSigning, IDLE);

describe("signing", () => {
  it("goes from preparing to the wallet's window", () => {
    expect(after({ type: "preparing" }).phase).toBe("preparing");
    expect(after({ type: "prepared", plan, cost })).toEqual({ phase: "ready", plan, cost, problem: null });
    expect(after({ type: "prepared", plan, cost }, { type: "asked" })).toEqual({ phase: "waiting", plan, cost });
  });

  it("keeps the plan when the person declines", () => {
    const refused = after({ type: "prepared", plan, cost }, { type: "asked" }, { type: "refused", problem: UNREACHABLE });
    expect(refused).toEqual({ phase: "ready", plan, cost, problem: UNREACHABLE });
  });

  it("is busy only while the wallet's window is open", () => {
    const phases = [IDLE, after({ type: "preparing" }), after({ type: "prepared", plan, cost })];
    expect(phases.map(isBusy)).toEqual([false, false, false]);
    expect(isBusy(after({ type: "prepared", plan, cost }, { type: "asked" }))).toBe(true);
  });

  it("does not ask for what is not prepared, nor refuse what was not asked", () => {
    expect(after({ type: "asked" })).toBe(IDLE);
    const ready = after({ type: "prepared", plan, cost });
    expect(reduceSigning(ready, { type: "refused", problem: UNREACHABLE })).toBe(ready);
  });

  it("knows of an earlier registration", () => {
    expect(after({ type: "registered", plan, record: null })).toEqual({ phase: "registered", plan, record: null });
  });

  it("forgets everything when the account is gone", () => {
    expect(after({ type: "prepared", plan, cost }, { type: "not-ready" })).toBe(IDLE);
  });
});
