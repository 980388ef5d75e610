/** From a connected wallet to a signed transaction, as a pure state machine. */

import type { ImageRecord } from "../api/types";
import type { Cost, Plan } from "../chain/transactions";
import type { Problem } from "./problems";

export type Signing =
  /** No account, or a wrong chain. */
  | { phase: "idle" }
  | { phase: "preparing" }
  | { phase: "ready"; plan: Plan; cost: Cost; problem: Problem | null }
  /** The plan is simulated once more before the wallet's window opens. */
  | { phase: "checking"; plan: Plan; cost: Cost }
  /** The wallet's window is open. */
  | { phase: "waiting"; plan: Plan; cost: Cost }
  | { phase: "stopped"; problem: Problem }
  /** The account registered this image before; `record` is null while the server's index has not seen it. */
  | { phase: "registered"; plan: Plan; record: ImageRecord | null };

export type SigningEvent =
  | { type: "not-ready" }
  | { type: "preparing" }
  | { type: "prepared"; plan: Plan; cost: Cost }
  | { type: "stopped"; problem: Problem }
  | { type: "registered"; plan: Plan; record: ImageRecord | null }
  | { type: "checking" }
  | { type: "asked"; cost: Cost }
  | { type: "refused"; problem: Problem };

export const IDLE: Signing = { phase: "idle" };

export function reduceSigning(signing: Signing, event: SigningEvent): Signing {
  switch (event.type) {
    case "not-ready":
      return IDLE;
    case "preparing":
      return { phase: "preparing" };
    case "prepared":
      return { phase: "ready", plan: event.plan, cost: event.cost, problem: null };
    case "stopped":
      return { phase: "stopped", problem: event.problem };
    case "registered":
      return { phase: "registered", plan: event.plan, record: event.record };
    case "checking":
      return signing.phase === "ready" ? { phase: "checking", plan: signing.plan, cost: signing.cost } : signing;
    case "asked":
      return signing.phase === "checking" ? { phase: "waiting", plan: signing.plan, cost: event.cost } : signing;
    case "refused":
      return isBusy(signing) ? { phase: "ready", plan: signing.plan, cost: signing.cost, problem: event.problem } : signing;
  }
}

/** A wallet's open window is about the plan that was sent to it: changes of account or chain must wait for its end. */
export const isBusy = (signing: Signing): signing is Extract<Signing, { phase: "checking" | "waiting" }> =>
  signing.phase === "checking" || signing.phase === "waiting";
