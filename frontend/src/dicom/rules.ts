/** What a de-identified file keeps: the table that the server reads too. `backend/adapters/dicom/rules.py` explains it. */

import table from "../../../backend/adapters/dicom/rules.json";

export const PRIVATE = "private attributes";
const OVERLAYS = "overlays";
const CURVES = "curves";

/** One attribute that is kept; the fields are those of `Rule` in Python. */
export interface Rule {
  name: string;
  vr: string[];
  rule: string;
  root?: boolean;
  most?: number;
  terms?: string;
  otherwise?: string;
  ignoreCase?: boolean;
  descriptor?: string;
}

export interface TransferSyntax {
  implicit?: boolean;
  bigEndian?: boolean;
  deflated?: boolean;
  stream?: string;
}

export const VERSION = table.version;
export const METHODS = table.methods;
export const TRANSFER_SYNTAXES = new Map<string, TransferSyntax>(Object.entries(table.transferSyntaxes));
export const ATTRIBUTES = new Map<number, Rule>(
  Object.entries<Rule>(table.attributes).map(([tag, rule]) => [Number.parseInt(tag, 16), rule]),
);
const VOCABULARIES = new Map(Object.entries(table.vocabularies).map(([name, terms]) => [name, new Set<string>(terms)]));
const REMOVED = new Map<number, string>(
  Object.entries(table.removed).map(([tag, name]) => [Number.parseInt(tag, 16), name]),
);

export function vocabulary(name: string): Set<string> {
  return VOCABULARIES.get(name) ?? new Set();
}

/** For people: `(0010,0010) Patient's Name`. Private attributes, curves and overlays have one name each. */
export function nameOf(tag: number): string {
  const group = tag >>> 16;
  if (group & 1) return PRIVATE;
  if (group >= 0x5000 && group <= 0x50ff) return CURVES;
  if (group >= 0x6000 && group <= 0x60ff) return OVERLAYS;
  const name = ATTRIBUTES.get(tag)?.name ?? REMOVED.get(tag);
  return name ? `${numberOf(tag)} ${name}` : numberOf(tag);
}

/** `(0010,0010)` */
export function numberOf(tag: number): string {
  const hex = (tag >>> 0).toString(16).toUpperCase().padStart(8, "0");
  return `(${hex.slice(0, 4)},${hex.slice(4)})`;
}
