/** Numbers, sizes, times and hashes as people read them; one notation for all of the page. */

import { formatUnits } from "viem/utils";

const WHOLE = new Intl.NumberFormat("en-GB");
const PERCENT = new Intl.NumberFormat("en-GB", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const SIGNIFICANT = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 3 });
const TIME = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  timeZone: "UTC",
});

// As backend/printable.py: control, format, surrogate and private-use characters, line and paragraph separators; but not
// line feed, tab and the two joiners, without which some scripts are misspelled.
const HIDDEN = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

/** The first character that a reader does not see, as U+202E; null if there is none. */
export function hiddenIn(text: string): string | null {
  const [found] = text.match(HIDDEN) ?? [];
  return found === undefined ? null : `U+${codeOf(found).padStart(4, "0")}`;
}

/** Text from outside with each hidden character shown: direction marks would reorder a line, others pass unseen. */
export const printable = (text: string): string => text.replace(HIDDEN, (found) => `\\u{${codeOf(found)}}`);

const codeOf = (character: string): string => (character.codePointAt(0) ?? 0).toString(16).toUpperCase();

export const whole = (value: number | bigint): string => WHOLE.format(value);

/** `fraction` in [0, 1]. Never rounds up to 100 %: no classifier is certain. */
export function percent(fraction: number): string {
  return PERCENT.format(fraction < 1 ? Math.min(fraction, 0.999) : 1).replace("%", "\u00a0%");
}

/** A number of an analysis with its unit: whole numbers as they are, others with as many digits as tell something. */
export function figure(value: number, unit: string): string {
  const digits = Number.isInteger(value) ? 0 : Math.abs(value) < 10 ? 3 : 1;
  const number = value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return unit ? `${number}\u00a0${unit}` : number;
}

/** A length on an image: in mm where the spacing of its pixels is known. */
export const length = (value: number, known: boolean): string => `${value.toFixed(1)}\u00a0${known ? "mm" : "px"}`;

export function bytes(size: number): string {
  if (size < 1024) return `${size} B`;
  const [unit, divisor] =
    size < 1024 ** 2 ? ["KiB", 1024] : size < 1024 ** 3 ? ["MiB", 1024 ** 2] : ["GiB", 1024 ** 3];
  return `${SIGNIFICANT.format(size / divisor)} ${unit}`;
}

/** Where images are pinned, in words that go after "to". */
export function storeName({ name }: { name: string }): string {
  return name === "embedded" ? "the block store of this machine" : `IPFS through ${sentence(name)}`;
}

/** `seconds` of Unix time, shown in UTC: auditors in different places must read the same. */
export const time = (seconds: number): string => `${TIME.format(seconds * 1000)} UTC`;
export const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString();

/** The two ends of a hash, an address or a CID. */
export function short(text: string, ends = 6): string {
  const head = text.startsWith("0x") ? ends + 2 : ends;
  return text.length <= head + ends + 1 ? text : `${text.slice(0, head)}…${text.slice(-ends)}`;
}

/** An amount of the chain's currency; `wei` are its smallest units. */
export function amount(wei: bigint, currency: { symbol: string; decimals: number }): string {
  return `${SIGNIFICANT.format(Number(formatUnits(wei, currency.decimals)))} ${currency.symbol}`;
}

export const gwei = (wei: bigint): string => `${SIGNIFICANT.format(Number(formatUnits(wei, 9)))} gwei`;

export function elapsed(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** `brain-mri` becomes `Brain mri`: for names that have no text of their own. */
export function sentence(name: string): string {
  const words = name.replaceAll(/[-_]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
