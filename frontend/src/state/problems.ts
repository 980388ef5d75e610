/** Every problem in words: what happened, what was saved, what to do. */

import { ApiProblem, ServerUnreachable } from "../api/errors";
import type { ChainConfig } from "../api/types";
import { WalletError, type WalletErrorKind } from "../chain/errors";
import { describeReason } from "../chain/reverts";
import { AttestationMismatch, type Cost } from "../chain/transactions";
import { DicomError } from "../dicom/dicom-error";
import { NoImage } from "../dicom/prepare";
import { amount } from "../format";
import type { WalletRequest } from "../chain/wallet-state";
import { SlideError } from "../slides/slide-error";
import { ZipRefused } from "./zip";

export type Tone = "info" | "success" | "warning" | "danger";

export interface Problem {
  kind: string;
  tone: Tone;
  title: string;
  text: string;
  /** The problem type of the API. */
  type?: string;
  /** The slices of a study that it is about, from 0. */
  slices?: number[];
  /** Seconds before another try makes sense. */
  retryAfter?: number;
}

export const warning = (kind: string, title: string, text: string): Problem => ({ kind, tone: "warning", title, text });

const RATE_LIMITED = 429;
/** The statuses for a file that the server will never accept: too large, or not a usable image. */
const REFUSED_FILES = [413, 415];
/** Account 1 of the public mnemonic "test test … junk", which development chains fund. */
export const DEVELOPMENT_ACCOUNT = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

const KEPT = "Nothing is lost: your work is saved here.";

type Words = [tone: Tone, title: string, text: string];

const WALLET_WORDS: Record<Exclude<WalletErrorKind, "no-funds" | "reverted">, Words> = {
  "user-rejected": ["info", "Nothing was signed", `You declined in your wallet, and nothing was written. ${KEPT}`],
  "wallet-locked": ["warning", "Your wallet is locked or not connected", `Unlock it and connect again. ${KEPT}`],
  "unknown-chain": [
    "warning",
    "Your wallet does not know this chain",
    "This server has no public node for it: add the chain to your wallet by hand, then try again.",
  ],
  "request-pending": [
    "info",
    "Your wallet has a request open",
    "Click its icon in the browser's toolbar and answer the open request, then try again. If it asks for your password, unlock it first.",
  ],
  "chain-mismatch": ["warning", "Your wallet is on another chain", `Switch the chain and try again. ${KEPT}`],
  unsupported: [
    "info",
    "Your wallet cannot do this from here",
    "Choose the account, or remove this site, in the wallet itself: its list of connected sites has both.",
  ],
  "asked-already": ["info", "Another tab has asked your wallet for this", `Answer the request of that tab. ${KEPT}`],
  "rpc-failed": ["warning", "Your wallet could not do this", `Try again in a moment. ${KEPT}`],
};

const DECLINED: Record<WalletRequest, [title: string, text: string]> = {
  connect: ["You did not connect", `${KEPT} Connect when you are ready.`],
  "switch-chain": ["The chain was not changed", `Recording needs this chain. ${KEPT}`],
  "change-account": ["The account was not changed", KEPT],
  disconnect: ["You are still connected", KEPT],
};

/** The problem to show for any error. `request` is what the wallet was asked, if it was not a transaction. */
export function describe(error: unknown, request?: WalletRequest): Problem {
  if (error instanceof ServerUnreachable) return UNREACHABLE;
  if (error instanceof ApiProblem) return describeApi(error);
  if (error instanceof DicomError) {
    return warning("file-refused", "This DICOM file cannot be used", `${capital(error.message)}.`);
  }
  if (error instanceof SlideError) return warning("file-refused", "This slide cannot be used", `${capital(error.message)}.`);
  if (error instanceof NoImage) return warning("file-refused", "This file cannot be used", error.message);
  if (error instanceof ZipRefused) return warning("zip-refused", "This ZIP cannot be used", error.message);
  if (error instanceof WalletError) return describeWallet(error, request);
  if (error instanceof AttestationMismatch) {
    return {
      kind: "attestation-mismatch",
      tone: "danger",
      title: "The server signed something else",
      text: `The signature does not match what is shown here, so nothing will be sent (${error.message}). Reload the page; if the problem persists, do not trust this server.`,
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { kind: "unexpected", tone: "danger", title: "Something went wrong", text: message };
}

export const UNREACHABLE: Problem = {
  kind: "server-unreachable",
  tone: "warning",
  title: "The server does not answer",
  text: "Your work is saved in this browser. Check that ScanProof is running, then try again.",
};

/** The questions about slices of a study, by the last word of their types. */
const ASKED: Record<string, (slices: string) => Words> = {
  "text-in-slices": (slices) => [
    "warning",
    "Is there a name in these pictures?",
    `There seems to be text in ${slices}. Nothing is pinned yet. Names, numbers and dates may identify the patient.`,
  ],
  "unrecognised-slices": (slices) => [
    "warning",
    "Are these medical images?",
    `No known kind of image is recognised in ${slices}. Nothing is pinned yet; what is pinned is public permanently.`,
  ],
};
const MOST_NAMED = 12;

/** `slice 3`, or `slices 3, 4, 5 and 20 more`: counted from 1. */
function slicesInWords(slices: number[]): string {
  const named = slices.slice(0, MOST_NAMED).map((order) => String(order + 1));
  const more = slices.length > MOST_NAMED ? ` and ${slices.length - MOST_NAMED} more` : "";
  return `${slices.length === 1 ? "slice" : "slices"} ${named.join(", ")}${more}`;
}

function describeApi({ status, type, title, detail, retryAfter, slices }: ApiProblem): Problem {
  const asked = ASKED[type.split(":").at(-1) ?? ""];
  if (asked && slices.length > 0) {
    const [tone, about, text] = asked(slicesInWords(slices));
    return { kind: "slices", tone, title: about, text, type, slices };
  }
  if (status === RATE_LIMITED) {
    const wait = retryAfter ?? 60;
    const text = `${capital(detail || title)}. Wait ${wait} seconds; your work is saved.`;
    return { kind: "rate-limited", tone: "warning", title: "Too many requests", text, type, retryAfter: wait };
  }
  const text = detail ? `${capital(detail)}.` : "";
  if (REFUSED_FILES.includes(status)) return { kind: "file-refused", tone: "warning", title, text, type };
  return { kind: "problem", tone: status >= 500 ? "danger" : "warning", title, text, type };
}

function describeWallet({ kind, message, revert }: WalletError, request?: WalletRequest): Problem {
  if (kind === "no-funds") {
    return { kind, tone: "warning", title: "Not enough for the fee", text: `The wallet says: ${capital(message)}. ${KEPT}` };
  }
  if (kind === "reverted") {
    const { text, remedy } = revert ?? describeReason(message);
    return { kind, tone: "danger", title: "The contract would refuse this", text: `${text} ${remedy}` };
  }
  const [tone, title, text] = WALLET_WORDS[kind];
  if (kind === "user-rejected" && request) {
    const [declined, why] = DECLINED[request];
    return { kind, tone, title: declined, text: why };
  }
  return { kind, tone, title, text: kind === "rpc-failed" ? `${text} The wallet says: ${capital(message)}.` : text };
}

/** The account cannot pay, as its balance shows before the wallet is opened. */
export function feeOver({ fee, balance }: Cost, chain: ChainConfig): Problem {
  const { currency } = chain;
  return noFunds(`The fee is about ${amount(fee, currency)}, and this account has ${amount(balance, currency)}.`, chain);
}

/** The account cannot pay, with the remedy for this chain. */
export function noFunds(reason: string, { currency, development }: ChainConfig): Problem {
  const remedy = development
    ? `This is a development chain: import its account ${DEVELOPMENT_ACCOUNT} into your wallet; its private key is printed where ScanProof was started.`
    : `Send some ${currency.symbol} of this chain to the account, or choose another one.`;
  const title = `Not enough ${currency.symbol} for the fee`;
  return { kind: "no-funds", tone: "warning", title, text: `${reason} ${remedy} ${KEPT}` };
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1).replace(/\.$/, "");
}
