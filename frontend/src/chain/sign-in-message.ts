/** Sign-In with Ethereum (EIP-4361): the message that the person's wallet shows and signs. */

import type { Hex, WalletMessage } from "../api/types";
import type { Wallet } from "./discovery";
import { toWalletError } from "./errors";

export function signInMessage(parts: WalletMessage, address: Hex, now: Date): string {
  const expires = new Date(now.getTime() + parts.seconds * 1000);
  return [
    `${parts.domain} wants you to sign in with your Ethereum account:`,
    address,
    "",
    parts.statement,
    "",
    `URI: ${parts.uri}`,
    "Version: 1",
    `Chain ID: ${parts.chainId}`,
    `Nonce: ${parts.nonce}`,
    `Issued At: ${now.toISOString()}`,
    `Expiration Time: ${expires.toISOString()}`,
  ].join("\n");
}

/** Has the wallet sign it. Raises WalletError. */
export async function signMessage(wallet: Wallet, account: Hex, message: string): Promise<string> {
  const octets = Array.from(new TextEncoder().encode(message), (octet) => octet.toString(16).padStart(2, "0"));
  try {
    return String(await wallet.provider.request({ method: "personal_sign", params: [`0x${octets.join("")}`, account] }));
  } catch (error) {
    throw toWalletError(error);
  }
}
