/** What a forger could change in a record, each as the resulting evidence. */

import type { Evidence } from "../chain/proof";

export interface Change {
  id: "image" | "account" | "label" | "manifest";
  name: string;
  /** What is changed, in words. */
  text: string;
  /** Null where the record has nothing of the kind. */
  changed: Evidence | null;
}

/** The account that a forger claims the image for: account 3 of the mnemonic "test test … junk". */
const FORGER = "0x90F79bf6EB2c4f870365E785982E1f101E93b906";

/** `position` is the byte that is changed in image and manifest, from 0; past their end it is their last one. */
export function changesOf(evidence: Evidence, position: number): Change[] {
  const { image, diagnosis } = evidence;
  const label = diagnosis?.fields.label === 1 ? 2 : 1;
  const manifest = diagnosis?.manifest ?? null;
  return [
    {
      id: "image",
      name: "One bit of the image",
      text: image ? flipped("byte", image, position) : "This server does not have the image.",
      changed: image && { ...evidence, image: flip(image, position) },
    },
    {
      id: "account",
      name: "The account that recorded it",
      text: `${evidence.uploader} becomes ${FORGER}`,
      changed: { ...evidence, uploader: FORGER },
    },
    {
      id: "label",
      name: "The result on the chain",
      text: diagnosis ? `Label code ${diagnosis.fields.label} becomes ${label}` : "No diagnosis was recorded.",
      changed: diagnosis && { ...evidence, diagnosis: { ...diagnosis, fields: { ...diagnosis.fields, label } } },
    },
    {
      id: "manifest",
      name: "One bit of the manifest",
      text: manifest ? flipped("byte", manifest, position) : "The manifest is sealed or not on this server.",
      changed: manifest && diagnosis && { ...evidence, diagnosis: { ...diagnosis, manifest: flip(manifest, position) } },
    },
  ];
}

export function placeIn(content: Uint8Array, position: number): number {
  return Math.min(position, content.length - 1);
}

function flip(content: Uint8Array, position: number): Uint8Array<ArrayBuffer> {
  const changed = content.slice();
  const place = placeIn(content, position);
  changed[place] = byteAt(content, place) ^ 1;
  return changed;
}

function flipped(what: string, content: Uint8Array, position: number): string {
  const place = placeIn(content, position);
  const hex = (byte: number) => `0x${byte.toString(16).padStart(2, "0")}`;
  return `${what} ${place} of ${content.length}: ${hex(byteAt(content, place))} becomes ${hex(byteAt(content, place) ^ 1)}`;
}

const byteAt = (content: Uint8Array, place: number): number => content[place] ?? 0;
