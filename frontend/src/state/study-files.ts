/** The files of a study as the page has read them: which are copies, and of which patients they are. */

import type { LeftOut, StudyFile } from "../api/types";
import type { Identity, Originals } from "../dicom/identity-map";
import type { Place } from "../dicom/prepare";
import type { SourceFile } from "./zip";

/** A file, and the slices that become of it. */
export interface ReadFile {
  source: SourceFile;
  /** Its place among the files, from 1. */
  number: number;
  place: Place | null;
  /** Null for a file without identifiers. */
  identity: Identity | null;
  /** By the names under which they leave the page. */
  slices: StudyFile[];
}

/** A patient under the pseudonym, with the series of this patient. */
export interface Patient {
  pseudonym: string;
  images: number;
  series: { description: string; images: number }[];
  /** The name of the first file, as the person knows it. */
  example: string;
}

/** A file whose de-identified copy is there too is left out: the copy may be recorded already. */
export function withoutCopied(files: ReadFile[]): { files: ReadFile[]; leftOut: LeftOut[] } {
  const copies = new Map(files.flatMap(({ place, source }) => (place?.unchanged ? [[place.likeness, source.name] as const] : [])));
  const leftOut: LeftOut[] = [];
  const kept = files.filter(({ place, source }) => {
    const copy = place && !place.unchanged ? copies.get(place.likeness) : undefined;
    if (copy) leftOut.push({ name: source.name, reason: `the same image as ${copy}, its copy without identifiers` });
    return !copy;
  });
  return { files: kept, leftOut };
}

/** Whether a file has the only name that a DICOM directory may have (PS3.10, section 8.6). */
export function isDirectory(name: string): boolean {
  return name.split("/").at(-1)?.toUpperCase() === "DICOMDIR";
}

/** A DICOMDIR, which is no image, and those of the files that it names which are not there. */
export function listedBy(directory: string, referenced: string[], names: string[]): LeftOut[] {
  // A disc has capital letters, and what is copied from it may have others.
  const present = new Set(names.map((name) => name.toLowerCase()));
  const folder = directory.slice(0, directory.lastIndexOf("/") + 1);
  const missing = referenced.map((path) => folder + path).filter((path) => !present.has(path.toLowerCase()));
  return [
    { name: directory, reason: `a directory of ${referenced.length} files, of which ${missing.length} are missing` },
    ...missing.map((name) => ({ name, reason: `named by ${directory}, but missing` })),
  ];
}

/** Of files that are no DICOM nobody knows whose they are: they go with every patient. */
export function patientsOf(files: ReadFile[]): Patient[] {
  const patients = new Map<string, Patient & { bySeries: Map<string, { description: string; images: number }> }>();
  for (const { place, slices, source } of files) {
    if (!place) continue;
    let patient = patients.get(place.patient);
    if (!patient) {
      patient = { pseudonym: place.patient, images: 0, series: [], bySeries: new Map(), example: source.name };
      patients.set(place.patient, patient);
    }
    patient.images += slices.length;
    let series = patient.bySeries.get(place.series);
    if (!series) {
      series = { description: place.description, images: 0 };
      patient.bySeries.set(place.series, series);
      patient.series.push(series);
    }
    series.images += slices.length;
  }
  return [...patients.values()].map(({ pseudonym, images, series, example }) => ({ pseudonym, images, series, example }));
}

/** What the sender's map has of these files. */
export function originalsOf(files: ReadFile[]): Originals[] {
  return files.flatMap(({ identity, slices }) => (identity ? [{ ...identity, files: slices.map(({ sha256 }) => sha256) }] : []));
}

/** The names of the sender by those under which slices left the page. They never leave it. */
export function ownNames(files: ReadFile[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const { source, slices } of files) {
    slices.forEach(({ name }, frame) => names.set(name, slices.length > 1 ? `${source.name}, frame ${frame + 1}` : source.name));
  }
  return names;
}
