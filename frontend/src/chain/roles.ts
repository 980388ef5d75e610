/** The roles of an account, as the contract gives them. */

import { decodeFunctionResult, encodeFunctionData, keccak256, stringToHex } from "viem/utils";
import type { ChainConfig, Hex } from "../api/types";
import type { Wallet } from "./discovery";
import { toWalletError } from "./errors";
import { abi } from "./registry";

const role = (name: string): Hex => keccak256(stringToHex(name));

/** By the words that people read. DEFAULT_ADMIN_ROLE of OpenZeppelin's AccessControl is zero. */
const ROLES = {
  Administrator: `0x${"00".repeat(32)}`,
  Clinician: role("CLINICIAN_ROLE"),
  Classifier: role("CLASSIFIER_ROLE"),
  "Model administrator": role("MODEL_ADMIN_ROLE"),
  "Federated site": role("SITE_ROLE"),
} as const satisfies Record<string, Hex>;

export type Role = keyof typeof ROLES | "Uploader";

/** Asks the wallet's node, not the server. Any account may upload, so `Uploader` is always there. Raises WalletError. */
export async function rolesOf(wallet: Wallet, account: Hex, chain: Pick<ChainConfig, "contract">): Promise<Role[]> {
  const names = Object.keys(ROLES) as (keyof typeof ROLES)[];
  const given = await Promise.all(names.map((name) => hasRole(wallet, ROLES[name], account, chain)));
  return [...names.filter((_, place) => given[place]), "Uploader"];
}

/** Whether `account` may review. Raises WalletError. */
export const isClinician = (wallet: Wallet, account: Hex, chain: Pick<ChainConfig, "contract">): Promise<boolean> =>
  hasRole(wallet, ROLES.Clinician, account, chain);

async function hasRole(wallet: Wallet, role: Hex, account: Hex, { contract }: Pick<ChainConfig, "contract">): Promise<boolean> {
  const data = encodeFunctionData({ abi, functionName: "hasRole", args: [role, account] });
  try {
    const answer = (await wallet.provider.request({ method: "eth_call", params: [{ to: contract, data }, "latest"] })) as Hex;
    return decodeFunctionResult({ abi, functionName: "hasRole", data: answer }) as boolean;
  } catch (error) {
    throw toWalletError(error);
  }
}
