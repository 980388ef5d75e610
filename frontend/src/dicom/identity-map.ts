/**
 * The sender's map from new UIDs to the original ones, with patient and study, encrypted with a passphrase: the file that
 * `backend/adapters/dicom/identity_map.py` reads. It never leaves the page but as a download.
 */

import { joined } from "../bytes";
import { canonical } from "../canonical-json";
import { decodedText } from "./character-sets";
import { bytesOf, latin, textOf, type DataSet } from "./elements";

const MAGIC = "scanproof-map/2\n";
const SCHEMA = "scanproof.map/1";
const ITERATIONS = 600_000;
const SALT_BYTES = 32;
const NONCE_BYTES = 12;
const CHARACTER_SET = 0x00080005;
const STUDY = 0x0020000d;
/** By the keywords of DICOM; those of codes and dates are in no character set. */
const CODED: Record<string, number> = { PatientBirthDate: 0x00100030, PatientSex: 0x00100040, StudyDate: 0x00080020, StudyTime: 0x00080030 };
const TEXTS: Record<string, number> = {
  PatientName: 0x00100010,
  PatientID: 0x00100020,
  IssuerOfPatientID: 0x00100021,
  AccessionNumber: 0x00080050,
  StudyID: 0x00200010,
  ReferringPhysicianName: 0x00080090,
  StudyDescription: 0x00081030,
};

/** What a DICOM file says of its patient and study, and the new UIDs by the old ones. */
export interface Identity {
  uids: ReadonlyMap<string, string>;
  /** The original Study Instance UID. */
  study: string;
  attributes: Record<string, string>;
}

/** `files` are the SHA-256 of what becomes of the file: no identifiers are put on other pixels. */
export interface Originals extends Identity {
  files: string[];
}

/** As `attributes_of` of the backend; `uids` are those of `deidentify`. Raises DicomError. */
export function identityOf(dataSet: DataSet, uids: ReadonlyMap<string, string>): Identity {
  const sets = textOf(dataSet.get(CHARACTER_SET));
  const found: [string, string][] = [];
  for (const [keyword, tag] of Object.entries(CODED)) found.push([keyword, latin(dataSet.get(tag)?.value ?? new Uint8Array())]);
  for (const [keyword, tag] of Object.entries(TEXTS)) {
    found.push([keyword, decodedText(Uint8Array.from(dataSet.get(tag)?.value ?? []), sets)]);
  }
  const attributes = found.map(([keyword, text]) => [keyword, text.replace(/[ \0]+$/, "")] as const).filter(([, text]) => text);
  return { uids, study: textOf(dataSet.get(STUDY)), attributes: Object.fromEntries(attributes) };
}

/** The map of all these files, as its file is. A file without a study is left out: there is nothing to put back. */
export async function sealedMap(originals: readonly Originals[], passphrase: string): Promise<Uint8Array<ArrayBuffer>> {
  const iterations = new Uint8Array(4);
  new DataView(iterations.buffer).setUint32(0, ITERATIONS);
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const head = joined([bytesOf(MAGIC), iterations, salt, nonce]);
  const secret = new TextEncoder().encode(passphrase.normalize("NFKC"));
  const material = await crypto.subtle.importKey("raw", secret, "PBKDF2", false, ["deriveKey"]);
  const derivation = { name: "PBKDF2", hash: "SHA-256", salt, iterations: ITERATIONS };
  const key = await crypto.subtle.deriveKey(derivation, material, { name: "AES-GCM", length: 256 }, false, ["encrypt"]);
  const content = new TextEncoder().encode(canonical({ schema: SCHEMA, studies: studiesOf(originals) }));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: head }, key, content);
  return joined([head, new Uint8Array(sealed)]);
}

interface Study {
  uids: Record<string, string>;
  attributes: Record<string, string>;
  files: string[];
}

/** By the new UID of the study; of two files that differ in an attribute, the first one counts. */
function studiesOf(originals: readonly Originals[]): Record<string, Study> {
  const studies: Record<string, Study> = {};
  for (const { uids, study, attributes, files } of originals) {
    const made = uids.get(study);
    if (made === undefined) continue;
    const known = (studies[made] ??= { uids: {}, attributes: {}, files: [] });
    for (const [old, uid] of uids) known.uids[uid] ??= old;
    known.attributes = { ...attributes, ...known.attributes };
    known.files = [...new Set([...known.files, ...files])].sort();
  }
  return studies;
}
