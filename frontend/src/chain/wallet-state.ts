/** What the page knows of the person's wallet, as a pure state machine. */

import type { WalletError } from "./errors";
import { withWallet, type Wallet } from "./discovery";
import type { Hex } from "../api/types";

export type WalletRequest = "connect" | "switch-chain" | "change-account" | "disconnect";

export interface WalletState {
  wallets: Wallet[];
  /** Whether the first search is over, so that "no wallet" may be said. */
  searched: boolean;
  selected: Wallet | null;
  /** EIP-55 addresses that the wallet lets the page use, the one selected in the wallet first. */
  accounts: Hex[];
  /** The one in use, null until the person connects. */
  account: Hex | null;
  chainId: number | null;
  /** What the wallet's own window is asking the person just now. */
  asking: WalletRequest | null;
  problem: { request: WalletRequest; error: WalletError } | null;
}

export type WalletEvent =
  | { type: "found"; wallet: Wallet }
  | { type: "searched" }
  | { type: "selected"; wallet: Wallet }
  | { type: "released" }
  | { type: "asked"; request: WalletRequest }
  | { type: "answered" }
  | { type: "refused"; request: WalletRequest; error: WalletError }
  | { type: "accounts"; accounts: Hex[]; preferred?: Hex | undefined }
  | { type: "used"; account: Hex }
  | { type: "chain"; chainId: number };

export const NO_WALLET: WalletState = {
  wallets: [],
  searched: false,
  selected: null,
  accounts: [],
  account: null,
  chainId: null,
  asking: null,
  problem: null,
};

export function reduceWallet(state: WalletState, event: WalletEvent): WalletState {
  switch (event.type) {
    case "found":
      return { ...state, wallets: withWallet(state.wallets, event.wallet) };
    case "searched":
      return { ...state, searched: true };
    case "selected":
      return { ...state, selected: event.wallet, accounts: [], account: null, chainId: null, problem: null };
    case "released":
      return { ...state, selected: null, accounts: [], account: null, chainId: null, asking: null, problem: null };
    case "asked":
      return { ...state, asking: event.request, problem: null };
    case "answered":
      return { ...state, asking: null };
    case "refused":
      return { ...state, asking: null, problem: { request: event.request, error: event.error } };
    case "accounts":
      return { ...state, accounts: event.accounts, account: accountAfter(state, event), problem: null };
    case "used":
      return state.accounts.includes(event.account) ? { ...state, account: event.account, problem: null } : state;
    case "chain":
      return { ...state, chainId: event.chainId, problem: null };
  }
}

/** The account stays in use, unless another one was preferred here or selected in the wallet. */
function accountAfter(state: WalletState, { accounts, preferred }: Extract<WalletEvent, { type: "accounts" }>): Hex | null {
  const [first = null] = accounts;
  if (preferred && accounts.includes(preferred)) return preferred;
  const selectedAnother = first !== (state.accounts[0] ?? null);
  return !selectedAnother && state.account && accounts.includes(state.account) ? state.account : first;
}
