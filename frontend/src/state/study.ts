/** The way of a study from files to a record: a pure state machine, and what its parts need. */

import type { Classification, LeftOut, Study, StudyResult } from "../api/types";
import type { PendingTransaction } from "../chain/transaction-state";
import { printable } from "../format";
import { NOTHING_KNOWN } from "./kind";
import { warning, type Problem } from "./problems";
import type { Patient } from "./study-files";
import type { SourceFile } from "./zip";

/** More than the page reads into its list; the server says how many a study may have. */
export const MAX_FILES = 10_000;
export const MAX_SLICES = 2_000;
export const MAX_STUDY_BYTES = 4 * 1024 ** 3;
/** Files that systems write beside those of the person. */
const IGNORED = /(^|\/)(\.|__MACOSX\/|Thumbs\.db$|desktop\.ini$)/;

export type Working = "reading" | "sending" | "classifying" | "pinning";

export type StudyFlow =
  | { step: Working; done: number; total: number; study: Study | null; problem: Problem | null }
  /** After a reload: the page has no files any more. */
  | { step: "lacking"; study: Study }
  /** The files are of several: the person chooses one. */
  | { step: "patients"; patients: Patient[]; study: null }
  /** The files had identifiers: the person can save the map back to them. */
  | { step: "originals"; study: null }
  | { step: "preview" | "signing"; study: Study }
  | { step: "submitted" | "recorded"; study: Study; transaction: PendingTransaction };

export type StudyEvent =
  | { type: "working"; step: Working; done: number; total: number }
  | { type: "patients"; patients: Patient[] }
  | { type: "originals" }
  | { type: "failed"; problem: Problem }
  | { type: "loaded"; study: Study }
  | { type: "submitted"; transaction: PendingTransaction }
  | { type: "recorded" }
  | { type: "sign-again" }
  | { type: "nonce-known"; nonce: number };

export function reduceStudy(flow: StudyFlow, event: StudyEvent): StudyFlow {
  switch (event.type) {
    case "working":
      return { step: event.step, done: event.done, total: event.total, study: flow.study, problem: null };
    case "patients":
      return { step: "patients", patients: event.patients, study: null };
    case "originals":
      return { step: "originals", study: null };
    case "failed":
      return "problem" in flow ? { ...flow, problem: event.problem } : flow;
    case "loaded":
      return loaded(event.study);
    case "submitted":
      return flow.step === "signing" ? { step: "submitted", study: flow.study, transaction: event.transaction } : flow;
    case "recorded":
      return flow.step === "submitted" ? { ...flow, step: "recorded" } : flow;
    case "sign-again":
      return flow.step === "submitted" ? { step: "signing", study: flow.study } : flow;
    case "nonce-known":
      return flow.step === "submitted" ? { ...flow, transaction: { ...flow.transaction, nonce: event.nonce } } : flow;
  }
}

function loaded(study: Study): StudyFlow {
  if (study.missing.length > 0) return { step: "lacking", study };
  if (!study.result) return { step: "classifying", done: study.classified, total: study.slices, study, problem: null };
  return { step: study.signable ? "signing" : "preview", study };
}

/** Where the flow is in the steps of an image: choose, classify, sign, recorded. */
export function studyStepNumber({ step }: StudyFlow): number {
  const places: Record<StudyFlow["step"], number> = {
    reading: 0, patients: 0, originals: 0, sending: 1, lacking: 1, classifying: 1, preview: 2, pinning: 2, signing: 2, submitted: 2, recorded: 3,
  };
  return places[step];
}

/** What of a folder or ZIP can be a slice, in the order in which people number files. */
export function inOrder(files: SourceFile[]): SourceFile[] {
  const names = new Intl.Collator("en", { numeric: true });
  return files.filter(({ name }) => !IGNORED.test(name)).sort((a, b) => names.compare(a.name, b.name));
}

/** Why these files are no study, before anything is read; null if they may be one. */
export function checkStudy(files: SourceFile[]): Problem | null {
  if (files.length === 0) return checkSlices(0);
  return files.length > MAX_SLICES ? tooLong(`There are ${files.length} files`) : null;
}

/** The same for the slices that were found in them, given what is none. */
export function checkSlices(count: number, unsent: LeftOut[] = []): Problem | null {
  const [first] = unsent;
  if (count === 0 && first) return warning("study-empty", "There is no image", `${printable(first.name)}: ${first.reason}`);
  if (count === 0) return warning("study-empty", "There is no file", "The folder or ZIP has no file that could be an image.");
  return count > MAX_SLICES ? tooLong("There are more slices in these files") : null;
}

function tooLong(found: string): Problem {
  return warning("study-too-long", "Too many files for one study", `${found}; a study has at most ${MAX_SLICES}. Choose one series.`);
}

/** The study as the signing parts know a classification: its CID and manifest are those of the study. */
export function classificationOf({ cid, manifestHash, model, weak, summary }: StudyResult): Classification {
  const { label, labelCode, labelText, confidence, abstained, reason } = summary;
  return {
    cid, label, labelCode, labelText, confidence, abstained, reason, model, weak, manifestHash,
    manifestCid: cid, manifest: {}, probabilities: {}, sealed: false, opening: null, activationMap: null, nextSteps: [], links: {},
    kind: NOTHING_KNOWN, expectedMagnification: null,
    tiles: null,
  };
}

/** `3 glioma, 297 no tumor`, the most frequent first. */
export function countsInWords({ summary, slices }: Pick<StudyResult, "summary" | "slices">): string {
  const texts = new Map(slices.map(({ label, labelText }) => [label, labelText]));
  return Object.entries(summary.counts)
    .sort(([, a], [, b]) => b - a)
    .map(([label, count]) => `${count} × ${texts.get(label) ?? label}`)
    .join(", ");
}
