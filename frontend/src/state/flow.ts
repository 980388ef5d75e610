/** From a file to a record, as a pure state machine. */

import type { Classification, Image } from "../api/types";
import type { Answers, Question } from "../api/upload";
import { imageIdOf } from "../chain/registry";
import type { PendingTransaction } from "../chain/transaction-state";
import type { Report } from "../dicom/deidentify";
import type { Originals } from "../dicom/identity-map";
import type { Size } from "../imaging/geometry";
import type { Problem } from "./problems";

export interface Pinned {
  image: Image;
  /** Null when the person goes on with the image only. */
  classification: Classification | null;
}

interface Chosen {
  file: File;
  sealed: boolean;
  /** Width and height of the pictures of a whole slide, full size first; it has lost its identifiers in the page. */
  levels?: Size[];
  /** What was removed of a DICOM file or a slide in the page. */
  removed?: Report | null;
  /** Whether it is DICOM of several frames, which becomes a study. */
  series?: boolean;
  /** Whether the server can make places of the picture black. */
  maskable?: boolean;
  /** What the sender's map has of it; null for a file without identifiers. */
  originals?: Originals | null;
  /** What the person said to earlier questions about this file. */
  answers?: Answers;
}

/** `sealed`: whether only the person gets the result. It is decided before the image is classified. */
export type Flow =
  | { step: "choose"; problem: Problem | null }
  | ({ step: "chosen"; problem: Problem | null; question?: Question } & Chosen)
  | ({ step: "uploading"; sent: number } & Chosen)
  | { step: "classifying"; image: Image; sealed: boolean; problem: Problem | null }
  | ({ step: "result" } & Pinned)
  | ({ step: "submitted" | "recorded"; transaction: PendingTransaction } & Pinned);

export type FlowEvent =
  | ({ type: "file-chosen"; problem: Problem | null; series?: boolean } & Pick<Chosen, "file" | "levels" | "removed" | "maskable" | "originals">)
  | { type: "sealing-chosen"; sealed: boolean }
  | { type: "upload-started"; answers?: Answers }
  | { type: "upload-progressed"; sent: number }
  | { type: "upload-failed"; problem: Problem | null }
  | { type: "upload-questioned"; question: Question }
  | { type: "pinned"; image: Image }
  | { type: "classification-started" }
  | { type: "classification-failed"; problem: Problem }
  | { type: "classified"; classification: Classification | null }
  | { type: "map-fetched"; classification: Classification }
  | { type: "submitted"; transaction: PendingTransaction }
  | { type: "nonce-known"; nonce: number }
  | { type: "sign-again" }
  | { type: "recorded" }
  | { type: "restarted" }
  | { type: "resumed"; flow: KeptFlow };

/** The steps that outlive a reload; a file cannot be kept, a pinned image needs no file. */
export type KeptFlow = Extract<Flow, { image: Image }>;

export const START: Flow = { step: "choose", problem: null };

/** An event that does not belong to the step is late or doubled, and changes nothing. */
export function reduceFlow(flow: Flow, event: FlowEvent): Flow {
  if (event.type === "restarted") return START;
  if (event.type === "resumed") return event.flow;
  if (event.type === "map-fetched") return withMap(flow, event.classification);
  switch (flow.step) {
    case "choose":
    case "chosen":
      if (event.type === "file-chosen") {
        const { file, problem, levels, removed, maskable, series, originals } = event;
        if (problem) return { step: "choose", problem };
        return { step: "chosen", file, sealed: flow.step === "chosen" && flow.sealed, levels, removed, maskable, series, originals, problem };
      }
      if (flow.step === "choose") return flow;
      if (event.type === "sealing-chosen") return { ...flow, sealed: event.sealed };
      if (event.type === "upload-started") {
        const answers = event.answers ? { ...flow.answers, ...event.answers } : flow.answers;
        return { ...chosenOf(flow), step: "uploading", answers, sent: 0 };
      }
      return flow;
    case "uploading":
      if (event.type === "upload-progressed") return { ...flow, sent: event.sent };
      if (event.type === "upload-failed") return { ...chosenOf(flow), step: "chosen", problem: event.problem };
      if (event.type === "upload-questioned") {
        return { ...chosenOf(flow), step: "chosen", problem: null, question: event.question };
      }
      if (event.type === "pinned") return { step: "classifying", image: event.image, sealed: flow.sealed, problem: null };
      return flow;
    case "classifying":
      if (event.type === "classification-started") return { ...flow, problem: null };
      if (event.type === "classification-failed") return { ...flow, problem: event.problem };
      if (event.type === "classified") return { step: "result", image: flow.image, classification: event.classification };
      return flow;
    case "result":
      if (event.type === "sealing-chosen" && event.sealed !== flow.classification?.sealed) {
        return { step: "classifying", image: flow.image, sealed: event.sealed, problem: null };
      }
      // The wallet's window can outlive the image that it is about.
      if (event.type === "submitted" && isAbout(event.transaction, flow.image)) {
        return { ...flow, step: "submitted", transaction: event.transaction };
      }
      return flow;
    case "submitted":
      if (event.type === "nonce-known") return { ...flow, transaction: { ...flow.transaction, nonce: event.nonce } };
      if (event.type === "sign-again") return { step: "result", image: flow.image, classification: flow.classification };
      if (event.type === "recorded") return { ...flow, step: "recorded" };
      return flow;
    case "recorded":
      return flow;
  }
}

function chosenOf({ file, sealed, levels, removed, maskable, originals, answers }: Chosen): Chosen {
  return { file, sealed, levels, removed, maskable, originals, answers };
}

export function isKept(flow: Flow): flow is KeptFlow {
  return "image" in flow;
}

/** The result, if there is one already. */
export function resultOf(flow: Flow): Classification | null {
  return "classification" in flow ? flow.classification : null;
}

function isAbout({ from, imageId }: PendingTransaction, { cid }: Image): boolean {
  return imageIdOf(from, cid) === imageId;
}

/** Only the very same result gets its activation map back: the server's model can be another one by now. */
function withMap(flow: Flow, classification: Classification): Flow {
  const same = "classification" in flow && flow.classification?.manifestHash === classification.manifestHash;
  return same ? { ...flow, classification } : flow;
}

/** Place in the list of steps that the page shows, from 0. */
export const STEPS = ["Image", "Result", "Signature", "Record"] as const;

export function stepNumber({ step }: Flow): number {
  const places = { choose: 0, chosen: 0, uploading: 0, classifying: 1, result: 2, submitted: 3, recorded: 4 };
  return places[step];
}
