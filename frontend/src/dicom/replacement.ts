/** What stands in place of identifiers, made with the sender's key as `backend/adapters/dicom/replacement.py` does. */

import { hex } from "../bytes";
import { bytesOf } from "./elements";

/** Dates move back by at least a day and at most ten years. */
const MAX_SHIFT_DAYS = 3653;
const DAY_MS = 86_400_000;

/** New values for those of one patient. Null where there is no valid one. */
export interface Replacing {
  readonly patientId: string | null;
  uid: (old: string) => string | null;
  date: (old: string) => string | null;
}

/** Lets stand what a `Replacement` may have made, to see whether a file was de-identified. */
export class NoReplacement implements Replacing {
  readonly patientId: string | null;

  constructor(patientId: string) {
    this.patientId = /^SP-[0-9A-F]{12}$/.test(patientId) ? patientId : null;
  }

  uid(old: string): string | null {
    return /^2\.25\.[1-9]\d{0,38}$/.test(old) ? old : null;
  }

  date(old: string): string | null {
    return parsedDate(old) ? old : null;
  }
}

/** New values for those of one patient, made before they are used: the browser's HMAC is asynchronous. */
export class Replacement implements Replacing {
  private constructor(
    readonly patientId: string,
    private readonly days: number,
    private readonly uids: Map<string, string>,
  ) {}

  /** `patient` are the values that tell one patient from another; `uids` those that will be replaced. */
  static async of(key: CryptoKey, patient: string, uids: Iterable<string>): Promise<Replacement> {
    const id = (await digest(key, "patient", patient)).slice(0, 6);
    const shift = new DataView((await digest(key, "shift", patient)).buffer).getUint32(0);
    const made = new Map<string, string>();
    for (const old of new Set(uids)) made.set(old, uuidUid(await digest(key, "uid", old)));
    return new Replacement(`SP-${hex(id).toUpperCase()}`, 1 + (shift % MAX_SHIFT_DAYS), made);
  }

  uid(old: string): string {
    const made = this.uids.get(old);
    if (!made) throw new Error("a UID was not collected before");
    return made;
  }

  date(old: string): string | null {
    const found = parsedDate(old);
    return found && new Date(found.getTime() - this.days * DAY_MS).toISOString().slice(0, 10).replaceAll("-", "");
  }
}

/** A date (DA) of the years 1900 to 2199; null for anything else. */
function parsedDate(text: string): Date | null {
  if (!/^(19|2[01])\d{6}$/.test(text)) return null;
  const [year, month, day] = [text.slice(0, 4), text.slice(4, 6), text.slice(6)].map(Number) as [number, number, number];
  const found = new Date(Date.UTC(year, month - 1, day));
  return found.getUTCMonth() === month - 1 && found.getUTCDate() === day ? found : null;
}

async function digest(key: CryptoKey, purpose: string, value: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, bytesOf(`${purpose}\0${value}`)));
}

/** A UUID of version 8 (RFC 9562) of the first 16 bytes, below 2.25 (PS3.5, section B.2). */
export function uuidUid(digest: Uint8Array): string {
  const bytes = digest.slice(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return `2.25.${BigInt(`0x${hex(bytes)}`)}`;
}
