import { sha256, stringToHex } from "viem/utils";
import type { Attestation, ChainConfig, Classification, Hex } from "../api/types";
import type { Wallet } from "./discovery";
import { toWalletError, WalletError } from "./errors";
import { encodeCall, imageIdOf, SEALED_LABEL, type Call, type Scope } from "./registry";
import { hexId } from "./wallet";

/** A call of the contract, about one image. */
export interface CallRequest {
  from: Hex;
  contract: Hex;
  chainId: number;
  data: Hex;
  imageId: Hex;
}

/** Everything that a transaction will write, shown to the person before the wallet asks. */
export interface Plan extends Call, CallRequest {
  scope: Scope;
  cid: string;
  attestation: Attestation | null;
}

/** In wei, as the chain estimates it now; `balance` is the account's. */
export interface Cost {
  gas: bigint;
  gasPrice: bigint;
  fee: bigint;
  balance: bigint;
}

/**
 * A transaction that was handed to the chain; kept until its end is known. `nonce` is the next one of the account when
 * it was sent (people can set their own in the wallet) until the server has seen the transaction. `submittedAt` in
 * milliseconds.
 */
export interface PendingTransaction {
  hash: Hex;
  from: Hex;
  nonce: number;
  chainId: number;
  contract: Hex;
  imageId: Hex;
  kind: Scope | "review";
  manifestHash: Hex | null;
  /** Of a review only. */
  reviewId?: Hex;
  submittedAt: number;
}

/** Whether it was sent to a chain or a contract that the server no longer uses: then the server cannot tell its end. */
export function isElsewhere({ chainId, contract }: PendingTransaction, chain: ChainConfig): boolean {
  return chainId !== chain.id || contract.toLowerCase() !== chain.contract.toLowerCase();
}

/** What the server signed is not what this page shows. */
export class AttestationMismatch extends Error {
  constructor(field: string, expected: unknown, found: unknown) {
    super(`${field}: expected ${String(expected)}, found ${String(found)}`);
  }
}

/** Refuses an attestation that is not about exactly what the person sees. Raises AttestationMismatch. */
export function checkAttestation(
  attestation: Attestation,
  chain: ChainConfig,
  classification: Classification,
  from: Hex,
): void {
  const { diagnosis } = attestation;
  const imageId = imageIdOf(from, classification.cid);
  const { sealed, opening } = classification;
  const pairs: [field: string, expected: string | number, found: string | number][] = [
    ...(sealed ? openingPairs(classification, opening ?? "") : []),
    ["imageId", imageId, attestation.imageId],
    ["diagnosis.imageId", imageId, diagnosis.imageId],
    ["modelId", `0x${classification.model.sha256}`, diagnosis.modelId],
    ["label", sealed ? SEALED_LABEL : classification.labelCode, diagnosis.label],
    ["confidence", sealed ? 0 : Math.round(classification.confidence * 10_000), diagnosis.confidence],
    ["manifestHash", classification.manifestHash, diagnosis.manifestHash],
    ["chainId", chain.id, attestation.chainId],
    ["contract", chain.contract, attestation.contract],
  ];
  for (const [field, expected, found] of pairs) {
    if (String(expected).toLowerCase() !== String(found).toLowerCase()) {
      throw new AttestationMismatch(field, expected, found);
    }
  }
}

/** What is sealed can be shown to others only if the opening says what the person sees. */
function openingPairs({ manifestHash, label, confidence }: Classification, opening: string): [string, string | number, string][] {
  const manifest = JSON.parse(opening) as Record<string, unknown>;
  return [
    ["the opening's hash", manifestHash, sha256(stringToHex(opening))],
    ["the opening's label", label, String(manifest.label)],
    ["the opening's confidence", confidence, String(manifest.confidence)],
  ];
}

export function makePlan(
  scope: Scope,
  cid: string,
  from: Hex,
  chain: ChainConfig,
  attestation: Attestation | null,
): Plan {
  const call = encodeCall(scope, cid, attestation);
  const imageId = imageIdOf(from, cid);
  return { ...call, scope, cid, imageId, from, contract: chain.contract, chainId: chain.id, attestation };
}

/** Asks the wallet's node for gas, price and balance. Raises WalletError, of kind `reverted` if it would fail. */
export async function estimate(wallet: Wallet, request: CallRequest): Promise<Cost> {
  const ask = async (method: string, params: unknown[]) => BigInt((await wallet.provider.request({ method, params })) as Hex);
  try {
    const [gas, gasPrice, balance] = await Promise.all([
      ask("eth_estimateGas", [callOf(request)]),
      ask("eth_gasPrice", []),
      ask("eth_getBalance", [request.from, "latest"]),
    ]);
    return { gas, gasPrice, fee: gas * gasPrice, balance };
  } catch (error) {
    throw toWalletError(error);
  }
}

/** Asks the wallet to sign and send a plan. Raises WalletError. */
export function submit(wallet: Wallet, plan: Plan): Promise<PendingTransaction> {
  return send(wallet, plan, { kind: plan.scope, manifestHash: plan.attestation?.diagnosis.manifestHash ?? null });
}

/** Asks the wallet to sign and send; `what` tells later whether it was written. Raises WalletError. */
export async function send(
  wallet: Wallet,
  request: CallRequest,
  what: Pick<PendingTransaction, "kind" | "manifestHash" | "reviewId">,
): Promise<PendingTransaction> {
  const { from, chainId, contract, imageId } = request;
  const { provider } = wallet;
  try {
    const active = Number(await provider.request({ method: "eth_chainId" }));
    if (active !== chainId) throw new WalletError("chain-mismatch", `the wallet is on chain ${active}`);
    const count = await provider.request({ method: "eth_getTransactionCount", params: [from, "pending"] });
    const call = { ...callOf(request), chainId: hexId(chainId) };
    const hash = (await provider.request({ method: "eth_sendTransaction", params: [call] })) as Hex;
    return { hash, from, nonce: Number(count), chainId, contract, imageId, ...what, submittedAt: Date.now() };
  } catch (error) {
    throw toWalletError(error);
  }
}

function callOf({ from, contract, data }: CallRequest): object {
  return { from, to: contract, data, value: "0x0" };
}
