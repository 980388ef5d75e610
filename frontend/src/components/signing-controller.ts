import type { ReactiveControllerHost } from "lit";
import { announce } from "../accessibility";
import { api } from "../api/client";
import type { Attestation, ChainConfig, Classification, Hex, ImageRecord } from "../api/types";
import type { Wallet } from "../chain/discovery";
import { WalletError } from "../chain/errors";
import type { Scope } from "../chain/registry";
import type { PendingTransaction } from "../chain/transaction-state";
import {
  checkAttestation,
  estimate,
  makePlan,
  submit,
  type Plan,
} from "../chain/transactions";
import { describe, feeOver, noFunds, type Problem } from "../state/problems";
import { IDLE, isBusy, reduceSigning, type Signing, type SigningEvent } from "../state/signing";

/** Everything that a plan depends on: a different account, chain or choice needs a new plan. */
export interface SigningRequest {
  wallet: Wallet;
  account: Hex;
  chain: ChainConfig;
  cid: string;
  classification: Classification | null;
  scope: Scope;
}

/** Prepares a transaction and has it signed. Late answers to an older request are ignored. */
export class SigningController {
  state: Signing = IDLE;
  private request: SigningRequest | null = null;
  private key = "";

  constructor(private readonly host: Pick<ReactiveControllerHost, "requestUpdate">) {}

  /** Call on every update of the host; null while there is no account on the right chain. */
  follow(request: SigningRequest | null): void {
    const key = request ? keyOf(request) : "";
    if (key === this.key || isBusy(this.state)) return;
    this.key = key;
    this.request = request;
    if (request) void this.prepare();
    else this.reduce({ type: "not-ready" });
  }

  async prepare(): Promise<void> {
    const { request } = this;
    if (!request) return;
    this.reduce({ type: "preparing" });
    const isLate = () => request !== this.request;
    let plan: Plan | null = null;
    try {
      const { wallet, account, chain, cid, scope } = request;
      plan = makePlan(scope, cid, account, chain, scope === "image" ? null : await attestationFor(request));
      const cost = await estimate(wallet, plan);
      if (isLate()) return;
      if (cost.balance < cost.fee) this.reduce({ type: "stopped", problem: feeOver(cost, chain) });
      else this.reduce({ type: "prepared", plan, cost });
    } catch (error) {
      if (isLate()) return;
      if (plan && isRegistered(error)) await this.registered(request, plan);
      else this.reduce({ type: "stopped", problem: describeFor(error, request.chain) });
    }
  }

  /** Null when it would fail, when the person declined, or when it could not be sent; then `state` tells why. */
  async sign(): Promise<PendingTransaction | null> {
    const { request, state } = this;
    if (!request || state.phase !== "ready") return null;
    const { wallet, chain } = request;
    this.reduce({ type: "checking" });
    try {
      // The plan can be hours old, and another tab or device may have written the same since.
      const cost = await estimate(wallet, state.plan);
      if (cost.balance < cost.fee) {
        this.reduce({ type: "stopped", problem: feeOver(cost, chain) });
        return null;
      }
      this.reduce({ type: "asked", cost });
      announce(`Waiting for ${wallet.name}: check and confirm in its window.`);
      return await submit(wallet, state.plan, cost.limit);
    } catch (error) {
      if (isRegistered(error)) await this.registered(request, state.plan);
      else this.reduce({ type: isReverted(error) ? "stopped" : "refused", problem: describeFor(error, chain) });
      return null;
    }
  }

  private async registered(request: SigningRequest, plan: Plan): Promise<void> {
    const record = await recordOf(plan.imageId);
    if (request === this.request) this.reduce({ type: "registered", plan, record });
  }

  private reduce(event: SigningEvent): void {
    this.state = reduceSigning(this.state, event);
    this.host.requestUpdate();
  }
}

function keyOf({ wallet, account, chain, cid, classification, scope }: SigningRequest): string {
  return [wallet.uuid, account, chain.id, chain.contract, cid, classification?.manifestHash, scope].join(" ");
}

async function attestationFor({ cid, classification, account, chain }: SigningRequest): Promise<Attestation> {
  if (!classification) throw new TypeError("there is no result to be signed");
  const attestation = await api.attest(cid, classification.manifestHash, account);
  checkAttestation(attestation, chain, classification, account);
  return attestation;
}

/** The record of a registered image; null where the server does not have it yet. */
async function recordOf(imageId: Hex): Promise<ImageRecord | null> {
  try {
    return await api.record(imageId);
  } catch {
    return null;
  }
}

function describeFor(error: unknown, chain: ChainConfig): Problem {
  const noMoney = error instanceof WalletError && error.kind === "no-funds";
  return noMoney ? noFunds(`The wallet says: ${error.message}.`, chain) : describe(error);
}

function isRegistered(error: unknown): boolean {
  return error instanceof WalletError && error.revert?.name === "ImageAlreadyRegistered";
}

function isReverted(error: unknown): boolean {
  return error instanceof WalletError && error.kind === "reverted";
}
