import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiProblem, ServerUnreachable } from "../../../frontend/src/api/errors";
import type { ImageRecord, TransactionStatus } from "../../../frontend/src/api/types";
import { intents } from "../../../frontend/src/chain/intents";
import { Tracker } from "../../../frontend/src/chain/tracker";
import { DROPPED_AFTER_MS, reduceTracking, UNTRACKED, type Tracked } from "../../../frontend/src/chain/transaction-state";
import { emptyBrowser } from "../browser";
import { hash, status, transaction } from "../samples";

const seen = (state: TransactionStatus["state"], now: number, before: Tracked = UNTRACKED): Tracked =>
  reduceTracking(before, { type: "status", status: status(state), now });

describe("the states of a transaction", () => {
  it.each(["pending", "mined", "confirmed", "failed", "replaced"] as const)("takes %s from the server", (state) => {
    expect(seen(state, 0).state).toBe(state);
  });

  it("counts a transaction as dropped only after it was unknown for 90 seconds", () => {
    const first = seen("unknown", 1000);
    expect(seen("unknown", 1000 + DROPPED_AFTER_MS - 1, first).state).toBe("unknown");
    expect(seen("unknown", 1000 + DROPPED_AFTER_MS, first).state).toBe("dropped");
  });

  it("starts counting anew when the transaction was seen in between, and finds a dropped one again", () => {
    const pending = seen("pending", 50_000, seen("unknown", 0));
    expect(seen("unknown", DROPPED_AFTER_MS + 1, pending).state).toBe("unknown");
    const dropped = seen("unknown", DROPPED_AFTER_MS, seen("unknown", 0));
    expect(seen("mined", DROPPED_AFTER_MS + 5, dropped).state).toBe("mined");
  });

  it("keeps its state while the server is unreachable", () => {
    const gone = reduceTracking(seen("pending", 0), { type: "unanswered" });
    expect(gone).toMatchObject({ state: "pending", unreachable: true });
    expect(seen("pending", 1, gone).unreachable).toBe(false);
  });

  it("tells a speed-up from a cancellation by the record", () => {
    const replaced = seen("replaced", 0);
    expect(reduceTracking(replaced, { type: "looked-up", recorded: true }).state).toBe("recorded");
    expect(reduceTracking(replaced, { type: "looked-up", recorded: false }).state).toBe("cancelled");
  });

  it.each(["confirmed", "failed"] as const)("ends with %s", (state) => {
    const end = seen(state, 0);
    expect(seen("unknown", 1, end)).toBe(end);
  });
});

describe("the tracker", () => {
  beforeEach(() => {
    emptyBrowser();
    vi.useFakeTimers();
  });
  afterEach(() => void vi.useRealTimers());

  const record = (manifestHash: string) => ({ diagnoses: [{ manifestHash }] }) as unknown as ImageRecord;
  const missing = () => Promise.reject(new ApiProblem(404, "urn:x", "Not found", "", null));

  function track(answers: (TransactionStatus | Error)[], findRecord: () => Promise<ImageRecord> = missing, kind = transaction.kind) {
    const states: string[] = [];
    const asked: number[] = [];
    let last = transaction;
    const server = {
      transaction: vi.fn((_hash: string, _from: string, nonce: number) => {
        asked.push(nonce);
        const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      }),
      record: vi.fn(findRecord),
    };
    const tracker = new Tracker(server, { ...transaction, kind }, (tracked, changed) => {
      states.push(tracked.unreachable ? "unreachable" : tracked.state);
      last = changed;
    });
    return { tracker, server, states, asked, done: tracker.run(), last: () => last };
  }

  it("asks until the transaction is confirmed, and then no more", async () => {
    const { done, states, server } = track([status("pending"), status("mined"), status("confirmed")]);
    await vi.runAllTimersAsync();
    await done;
    expect(states).toEqual(["pending", "mined", "confirmed"]);
    expect(server.transaction).toHaveBeenCalledTimes(3);
  });

  it("forgets the intent of a transaction whose end is known, and of no other", async () => {
    for (const [own, kept] of [[transaction.hash, 0], [hash("9"), 1]] as const) {
      intents.save({ ...transaction, data: "0x", hash: own, failure: null, wallet: "W", askedAt: Date.now() });
      const { done } = track([status("pending"), status("failed")]);
      await vi.runAllTimersAsync();
      await done;
      expect(Object.keys(localStorage).filter((key) => key.startsWith("scanproof.intent."))).toHaveLength(kept);
    }
  });

  it("goes on through a server that is gone for a while", async () => {
    const { done, states } = track([status("pending"), new ServerUnreachable("gone"), status("confirmed")]);
    await vi.runAllTimersAsync();
    await done;
    expect(states).toEqual(["pending", "unreachable", "confirmed"]);
  });

  it("asks ever less often, but at least every 8 seconds", async () => {
    const { server, tracker } = track([status("pending")]);
    await vi.advanceTimersByTimeAsync(60_000);
    const inTheFirstMinute = server.transaction.mock.calls.length;
    await vi.advanceTimersByTimeAsync(80_000);
    tracker.stop();
    expect(inTheFirstMinute).toBeLessThan(15);
    expect(server.transaction.mock.calls.length - inTheFirstMinute).toBe(10);
  });

  it("asks with the true nonce as soon as the server knows it", async () => {
    const { done, asked, last } = track([status("pending", { nonce: 7 }), status("unknown"), status("confirmed", { nonce: 7 })]);
    await vi.runAllTimersAsync();
    await done;
    expect(asked).toEqual([4, 7, 7]);
    expect(last().nonce).toBe(7);
  });

  it("finds the record of a speed-up", async () => {
    const { done, states } = track([status("replaced")], () => Promise.resolve(record(hash("b"))));
    await vi.runAllTimersAsync();
    await done;
    expect(states).toEqual(["replaced", "recorded"]);
  });

  it("calls a replaced transaction cancelled when no record comes of it", async () => {
    const { done, states, server } = track([status("replaced")]);
    await vi.runAllTimersAsync();
    await done;
    expect(states.at(-1)).toBe("cancelled");
    expect(server.record).toHaveBeenCalledTimes(3);
  });

  it("looks for this very diagnosis where the image was registered before", async () => {
    const { done, states } = track([status("replaced")], () => Promise.resolve(record(hash("d"))), "diagnosis");
    await vi.runAllTimersAsync();
    await done;
    expect(states.at(-1)).toBe("cancelled");
  });

  it("says nothing more once it is stopped", async () => {
    const { tracker, states } = track([status("pending")]);
    await vi.advanceTimersByTimeAsync(0);
    tracker.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(states).toEqual(["pending"]);
  });
});
