/** A whole slide: its fields, that a model read, and its view, in words and figures. */

import { sha256 } from "viem/utils";
import type { Classification, Hex, Image, Slide, Tile } from "../api/types";
import { figure, percent, sentence, whole } from "../format";
import { roundLength, type Size } from "../imaging/geometry";

/** A rectangle that a model read, in pixels of the whole slide, and its answer; `confidence` in [0, 1]. */
export type Field = Tile;

/** Null for an image that is no slide; drafts of earlier releases do not say. */
export const slideOf = (image: Image | null): Slide | null => image?.slide ?? null;

/** One array for all: an update with it changes nothing. */
export const NO_FIELDS: readonly Field[] = [];

/** What a model read of a slide; empty for other images. */
export const fieldsOf = (classification: Classification | null): readonly Field[] => classification?.tiles ?? NO_FIELDS;

/** The same as a manifest says it. Empty where its hash is another one, or it names none. */
export function fieldsOfManifest(content: Uint8Array, manifestHash: Hex): readonly Field[] {
  if (sha256(content) !== manifestHash) return NO_FIELDS;
  const manifest = JSON.parse(new TextDecoder().decode(content)) as { tiles?: { list: Field[] } };
  return manifest.tiles?.list ?? NO_FIELDS;
}

/** `45,000 × 30,000 pixels in 4 levels`. */
export function slideText(levels: readonly Size[]): string {
  const [full] = levels;
  if (!full) return "";
  return `${whole(full.width)} × ${whole(full.height)} pixels in ${levels.length === 1 ? "one level" : `${levels.length} levels`}`;
}

/** Of the bar of known length, in widths of the stage. */
const LONGEST_BAR = 0.25;
const MICROMETRES_IN_MM = 1000;
/** The colours of `--field-1` to `--field-4`, after the code of the label. */
const COLOURS = 4;

export interface Bar {
  /** In CSS pixels. */
  width: number;
  text: string;
}

/** A bar of a round length; null where the size of a pixel is not known. `scale`: CSS pixels for a pixel of the slide. */
export function barOf(micrometresPerPixel: number | null, scale: number, stageWidth: number): Bar | null {
  if (!micrometresPerPixel || scale <= 0) return null;
  const length = roundLength((stageWidth * LONGEST_BAR * micrometresPerPixel) / scale);
  if (length === 0) return null;
  const text = length < MICROMETRES_IN_MM ? figure(length, "µm") : figure(length / MICROMETRES_IN_MM, "mm");
  return { width: (length / micrometresPerPixel) * scale, text };
}

/** `Malignant`, or that there is no answer. */
export const answerOf = ({ label, abstained }: Field): string => (abstained ? "No answer" : sentence(label));

export const textOf = (field: Field): string =>
  field.abstained ? answerOf(field) : `${answerOf(field)}, ${percent(field.confidence)}`;

/** The class of a field's colour: one for each label, and one for no answer. */
export const colourOf = ({ labelCode, abstained }: Field): string =>
  abstained ? "none" : `of-${((Math.max(labelCode, 1) - 1) % COLOURS) + 1}`;

/** `24 fields: 15 malignant, 9 without an answer`, the most frequent answer first. */
export function summaryOf(fields: readonly Field[]): string {
  const counts = new Map<string, number>();
  for (const field of fields) {
    const answer = field.abstained ? "without an answer" : answerOf(field).toLowerCase();
    counts.set(answer, (counts.get(answer) ?? 0) + 1);
  }
  const parts = [...counts].sort(([, one], [, other]) => other - one).map(([answer, count]) => `${whole(count)} ${answer}`);
  return `${whole(fields.length)} ${fields.length === 1 ? "field" : "fields"}: ${parts.join(", ")}`;
}

export type SlideAction = "zoom-in" | "zoom-out" | "left" | "right" | "up" | "down" | "whole" | "rotate" | "full-screen";

const KEYS_OF_ACTIONS: Record<string, SlideAction> = {
  "+": "zoom-in",
  "=": "zoom-in",
  "-": "zoom-out",
  "0": "whole",
  r: "rotate",
  f: "full-screen",
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};

/** What a key does; null for keys that are not the viewer's. */
export function slideActionOf(key: string): SlideAction | null {
  const name = key.length === 1 ? key.toLowerCase() : key;
  return Object.hasOwn(KEYS_OF_ACTIONS, name) ? (KEYS_OF_ACTIONS[name] ?? null) : null;
}

/** For people: keys and what they do. */
export const SLIDE_KEYS: readonly (readonly [keys: string, does: string])[] = [
  ["+ and −", "zoom"],
  ["Arrow keys", "move the slide"],
  ["0", "show the whole slide"],
  ["R", "turn by a quarter"],
  ["F", "full screen"],
];
