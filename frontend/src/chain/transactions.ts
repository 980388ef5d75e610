import { sha256, stringToHex } from "viem/utils";
import type { Attestation, ChainConfig, Classification, Hex } from "../api/types";
import type { Wallet } from "./discovery";
import { toWalletError, WalletError } from "./errors";
import { intents, type Intent } from "./intents";
import type { PendingTransaction } from "./transaction-state";
import { encodeCall, imageIdOf, SEALED_LABEL, type Call, type Scope } from "./registry";
import { hexId } from "./wallet";

/** A call of the contract, about one image. */
export interface CallRequest {
  functionName: string;
  from: Hex;
  contract: Hex;
  chainId: number;
  data: Hex;
  imageId: Hex;
}

/** Everything that a transaction will write, shown to the person before the wallet asks. */
export interface Plan extends CallRequest {
  functionName: Call["functionName"];
  scope: Scope;
  cid: string;
  attestation: Attestation | null;
}

/** In wei, as the chain estimates it now; `balance` is the account's, `limit` the gas that the transaction may use. */
export interface Cost {
  gas: bigint;
  limit: bigint;
  gasPrice: bigint;
  fee: bigint;
  balance: bigint;
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
  const { abstained, sealed, opening } = classification;
  const pairs: [field: string, expected: string | number, found: string | number][] = [
    ...(sealed ? openingPairs(classification, opening ?? "") : []),
    ["imageId", imageId, attestation.imageId],
    ["diagnosis.imageId", imageId, diagnosis.imageId],
    ["modelId", `0x${classification.model.sha256}`, diagnosis.modelId],
    ["label", sealed ? SEALED_LABEL : classification.labelCode, diagnosis.label],
    // The contract refuses the confidence of what is sealed, and of an abstention.
    ["confidence", sealed || abstained ? 0 : Math.round(classification.confidence * 10_000), diagnosis.confidence],
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

/** More than estimated, because the state can change before the block; EIP-7825 allows no transaction more than 2^24. */
const LIMIT_PERCENT = 120n;
const GAS_CAP = 2n ** 24n;

/** The gas limit to send: a fifth more than the estimate, as far as the cap and the balance reach. */
function limitOf(gas: bigint, gasPrice: bigint, balance: bigint): bigint {
  const affordable = gasPrice > 0n ? balance / gasPrice : GAS_CAP;
  const limit = [(gas * LIMIT_PERCENT) / 100n, GAS_CAP, affordable].reduce((least, other) => (other < least ? other : least));
  return limit > gas ? limit : gas;
}

/**
 * Simulates a call on the wallet's node, and asks for gas, price and balance. Raises WalletError, of kind `reverted` if
 * the call would fail.
 */
export async function estimate(wallet: Wallet, request: CallRequest): Promise<Cost> {
  const ask = (method: string, params: unknown[]) => wallet.provider.request({ method, params });
  const number = async (method: string, params: unknown[]) => BigInt((await ask(method, params)) as Hex);
  try {
    const [gas, gasPrice, balance] = await Promise.all([
      number("eth_estimateGas", [callOf(request)]),
      number("eth_gasPrice", []),
      number("eth_getBalance", [request.from, "latest"]),
      simulateOnPending(ask, request),
    ]);
    return { gas, limit: limitOf(gas, gasPrice, balance), gasPrice, fee: gas * gasPrice, balance };
  } catch (error) {
    throw toWalletError(error);
  }
}

/** Finds what a transaction that waits for a block has made impossible. Nodes without a pending block are not asked. */
async function simulateOnPending(ask: (method: string, params: unknown[]) => Promise<unknown>, request: CallRequest): Promise<void> {
  try {
    await ask("eth_call", [callOf(request), "pending"]);
  } catch (error) {
    const known = toWalletError(error);
    if (known.kind === "reverted") throw known;
  }
}

/** Asks the wallet to sign and send a plan. Raises WalletError. */
export function submit(wallet: Wallet, plan: Plan, limit: bigint): Promise<PendingTransaction> {
  const { scope, attestation } = plan;
  return send(wallet, plan, limit, { kind: scope, manifestHash: attestation?.diagnosis.manifestHash ?? null });
}

/**
 * Asks the wallet to sign and send. The intent is stored first and kept until the transaction's end is known; `what`
 * tells later whether it was written. Raises WalletError.
 */
export async function send(
  wallet: Wallet,
  request: CallRequest,
  limit: bigint,
  what: Pick<PendingTransaction, "kind" | "manifestHash" | "reviewId" | "diagnosisId">,
): Promise<PendingTransaction> {
  const { from, chainId, contract, imageId, data } = request;
  const { provider } = wallet;
  const call = { ...callOf(request), gas: hexId(limit), chainId: hexId(chainId) };
  try {
    const active = Number(await provider.request({ method: "eth_chainId" }));
    if (active !== chainId) throw new WalletError("chain-mismatch", `the wallet is on chain ${active}`);
    const nonce = Number(await provider.request({ method: "eth_getTransactionCount", params: [from, "pending"] }));
    const askedAt = Date.now();
    const intent: Intent = { from, nonce, chainId, contract, imageId, ...what, data, hash: null, failure: null, wallet: wallet.name, askedAt };
    const hash = await intents.ask(intent, () => signed(wallet, call, intent));
    if (!hash) throw new WalletError("asked-already", "another tab has asked for it");
    return { hash, from, nonce, chainId, contract, imageId, ...what, submittedAt: Date.now() };
  } catch (error) {
    throw toWalletError(error);
  }
}

async function signed({ provider }: Wallet, call: object, intent: Intent): Promise<Hex> {
  try {
    const hash = (await provider.request({ method: "eth_sendTransaction", params: [call] })) as Hex;
    intents.save({ ...intent, hash });
    return hash;
  } catch (error) {
    const known = toWalletError(error);
    // After any other failure, the wallet may have sent it all the same.
    if (known.kind === "rpc-failed") intents.save({ ...intent, failure: known.message });
    else intents.remove(intent);
    throw known;
  }
}

export function callOf({ from, contract, data }: Pick<CallRequest, "from" | "contract" | "data">): object {
  return { from, to: contract, data, value: "0x0" };
}
