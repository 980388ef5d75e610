import type { Attestation, ChainConfig, Classification, Hex } from "../api/types";
import type { Wallet } from "./discovery";
import { toWalletError, WalletError } from "./errors";
import { encodeCall, imageIdOf, type Call, type Scope } from "./registry";
import { hexId } from "./wallet";

/** Everything that a transaction will write, shown to the person before the wallet asks. */
export interface Plan extends Call {
  scope: Scope;
  cid: string;
  imageId: Hex;
  from: Hex;
  contract: Hex;
  chainId: number;
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
  kind: Scope;
  manifestHash: Hex | null;
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
  const pairs: [field: string, expected: string | number, found: string | number][] = [
    ["imageId", imageId, attestation.imageId],
    ["diagnosis.imageId", imageId, diagnosis.imageId],
    ["modelId", `0x${classification.model.sha256}`, diagnosis.modelId],
    ["label", classification.labelCode, diagnosis.label],
    ["confidence", Math.round(classification.confidence * 10_000), diagnosis.confidence],
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
export async function estimate(wallet: Wallet, plan: Plan): Promise<Cost> {
  const ask = async (method: string, params: unknown[]) => BigInt((await wallet.provider.request({ method, params })) as Hex);
  try {
    const [gas, gasPrice, balance] = await Promise.all([
      ask("eth_estimateGas", [callOf(plan)]),
      ask("eth_gasPrice", []),
      ask("eth_getBalance", [plan.from, "latest"]),
    ]);
    return { gas, gasPrice, fee: gas * gasPrice, balance };
  } catch (error) {
    throw toWalletError(error);
  }
}

/** Asks the wallet to sign and send. Raises WalletError. */
export async function submit(wallet: Wallet, plan: Plan): Promise<PendingTransaction> {
  const { provider } = wallet;
  try {
    const active = Number(await provider.request({ method: "eth_chainId" }));
    if (active !== plan.chainId) throw new WalletError("chain-mismatch", `the wallet is on chain ${active}`);
    const count = await provider.request({ method: "eth_getTransactionCount", params: [plan.from, "pending"] });
    const hash = (await provider.request({ method: "eth_sendTransaction", params: [{ ...callOf(plan), chainId: hexId(plan.chainId) }] })) as Hex;
    return {
      hash,
      from: plan.from,
      nonce: Number(count),
      chainId: plan.chainId,
      contract: plan.contract,
      imageId: plan.imageId,
      kind: plan.scope,
      manifestHash: plan.attestation?.diagnosis.manifestHash ?? null,
      submittedAt: Date.now(),
    };
  } catch (error) {
    throw toWalletError(error);
  }
}

function callOf({ from, contract, data }: Plan): object {
  return { from, to: contract, data, value: "0x0" };
}
