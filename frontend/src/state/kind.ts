/** The kind of an image in words, each value with its source. */

import type { Kind, KindValue } from "../api/types";
import type { Magnification } from "../api/upload";

export interface KindRow {
  name: keyof Kind;
  title: string;
  text: string;
  /** Empty for what is unknown. */
  source: string;
  /** What others say of it. */
  others: { text: string; source: string }[];
}

const unknown: KindValue = { value: null, source: "unknown", by: null, others: [] };
export const NOTHING_KNOWN: Kind = { modality: unknown, bodyPart: unknown, sequence: unknown, magnification: unknown };

export const MODALITIES: Record<string, string> = {
  MR: "MR: magnetic resonance",
  CT: "CT: computed tomography",
  SM: "SM: slide microscopy",
  CR: "CR: radiography",
  DX: "DX: digital radiography",
  MG: "MG: mammography",
  US: "US: ultrasound",
  PT: "PT: positron emission",
  NM: "NM: nuclear medicine",
};

export const SEQUENCES: Record<string, string> = {
  t1: "T1",
  "t1-post-contrast": "T1, after contrast",
  t2: "T2",
  "t2-star": "T2*",
  flair: "FLAIR",
  pd: "Proton density",
  stir: "STIR",
  dwi: "Diffusion (DWI)",
  adc: "Diffusion (ADC)",
  swi: "Susceptibility (SWI)",
  mra: "Angiography (MRA)",
  perfusion: "Perfusion",
};

export const MAGNIFICATIONS: Magnification[] = [40, 100, 200, 400];

const SOURCES: Record<KindValue["source"], string> = {
  dicom: "DICOM attribute",
  recognised: "recognised",
  uploader: "said by the uploader",
  unknown: "",
};

/** A row for each value; magnification and sequence only where they mean something for the modality. */
export function kindRows({ modality, bodyPart, sequence, magnification }: Kind): KindRow[] {
  const rows: [keyof Kind, string, KindValue, (value: string) => string][] = [
    ["modality", "Modality", modality, (value) => MODALITIES[value] ?? value],
    ["bodyPart", "Body part", bodyPart, (value) => value],
    ["sequence", "Sequence", sequence, (value) => SEQUENCES[value] ?? value],
    ["magnification", "Magnification", magnification, (value) => `${value}X`],
  ];
  return rows.filter(([name, , { value }]) => value !== null || APPLIES[name](modality.value)).map(([name, title, value, words]) => ({
    name,
    title,
    text: value.value === null ? "Unknown" : words(value.value),
    source: sourceOf(value),
    others: value.others.map((other) => ({ text: words(other.value), source: sourceOf(other) })),
  }));
}

function sourceOf({ source, by }: Pick<KindValue, "source" | "by">): string {
  return by ? `${SOURCES[source]} by ${by}` : SOURCES[source];
}

const always = () => true;
const APPLIES: Record<keyof Kind, (modality: string | null) => boolean> = {
  modality: always,
  bodyPart: always,
  sequence: (modality) => modality === "MR" || modality === null,
  magnification: (modality) => modality === "SM" || modality === null,
};

/** What to say where a model knows one magnification and nobody said that of the image; null where all is said. */
export function magnificationWarning(expected: number | null, { magnification }: Kind): string | null {
  if (expected === null) return null;
  if (magnification.others.length > 0) {
    const stated = [magnification.value, ...magnification.others.map(({ value }) => value)].map((value) => `${value}X`);
    return `This model is for images at ${expected}X; this image was stated to be at ${stated.join(" and at ")}.`;
  }
  if (magnification.value === String(expected)) return null;
  const found = magnification.value === null ? "that of this image is unknown" : `this image was stated to be at ${magnification.value}X`;
  return `This model is for images at ${expected}X; ${found}.`;
}
