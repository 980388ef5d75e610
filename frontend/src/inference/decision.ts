/** A model's answer, or its abstention: as ml/inference/prediction.py and ml/gate/gate.py, in the same words. */

import { reduce, type Picture } from "./pillow";

export interface ClassInfo {
  label: string;
  code: number;
  name: string;
}

/** Null for a limit that a model does not have. */
interface Abstention {
  score: number | null;
  colourfulness: number | null;
  confidence: number | null;
}

/** The part of a bundle's metadata.json that an answer needs. */
export interface Metadata {
  name: string;
  version: string;
  modality: string;
  preprocessing: string;
  classes: ClassInfo[];
  temperature: number;
  abstention: Abstention | null;
  mask_threshold: number | null;
  weak: string | null;
}

/** `top` is the index of the most probable class. Where the model declines, `label` is "abstained" and `reason` says why. */
export interface Decision {
  label: string;
  labelText: string;
  confidence: number;
  probabilities: Record<string, number>;
  abstained: boolean;
  reason: string | null;
  oodScore: number | null;
  top: number;
}

const ABSTAINED = { label: "abstained", labelText: "No answer" };
/** The gate's class for images of any other kind than the models' modalities. */
const OTHER = "other";
const UNRECOGNISED = "not recognised as a brain MRI or a breast-histology image";
const COLOUR_SIDE = 128;

/** `score` is the detector's. */
export function decide(metadata: Metadata, picture: Picture, logits: ArrayLike<number>, score: number | null): Decision {
  const values = softmax(logits, metadata.temperature).map((value) => rounded(value, 6));
  const top = values.indexOf(Math.max(...values));
  const confidence = values[top] ?? 0;
  const oodScore = score === null ? null : rounded(score, 4);
  const { label, name } = metadata.classes[top] ?? { label: "", name: "" };
  const decision: Decision = {
    label,
    labelText: name,
    confidence,
    probabilities: Object.fromEntries(metadata.classes.map((each, index) => [each.label, values[index] ?? 0])),
    abstained: false,
    reason: null,
    oodScore,
    top,
  };
  const reason = reasonToAbstain(metadata, oodScore, picture, confidence);
  return reason === null ? decision : abstention(decision, reason);
}

/** The gate's: its labels are modalities, and it declines whatever is none. */
export function decideModality(metadata: Metadata, picture: Picture, logits: ArrayLike<number>): Decision {
  const decision = decide(metadata, picture, logits, null);
  return decision.abstained || decision.label === OTHER ? abstention(decision, UNRECOGNISED) : decision;
}

const abstention = (decision: Decision, reason: string): Decision => ({ ...decision, ...ABSTAINED, abstained: true, reason });

function reasonToAbstain({ abstention: limits, modality }: Metadata, score: number | null, picture: Picture, confidence: number): string | null {
  if (!limits) return null;
  if (limits.colourfulness !== null) {
    const colour = colourfulness(picture);
    if (colour > limits.colourfulness) {
      return `a ${modality} image is grey; the colourfulness is ${colour.toFixed(1)}, the limit ${limits.colourfulness}`;
    }
  }
  if (limits.score !== null && score !== null && score > limits.score) {
    return `unlike the ${modality} images of the training data: score ${score.toFixed(2)}, limit ${limits.score.toFixed(2)}`;
  }
  if (limits.confidence !== null && confidence < limits.confidence) {
    return `no class is probable enough: the highest is ${confidence.toFixed(2)}, the limit ${limits.confidence.toFixed(2)}`;
  }
  return null;
}

/** With temperature scaling (Guo et al. 2017). One logit is the log-odds of the second class. */
export function softmax(logits: ArrayLike<number>, temperature: number): number[] {
  const all = logits.length === 1 ? [0, logits[0] ?? 0] : Array.from(logits);
  const scaled = all.map((logit) => logit / temperature);
  const most = Math.max(...scaled);
  const powers = scaled.map((value) => Math.exp(value - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** Hasler & Süsstrunk (2003): 0 for grey, over 45 for quite colourful. */
export function colourfulness(picture: Picture): number {
  if (picture.channels === 1) return 0;
  const step = Math.max(1, Math.floor(Math.max(picture.width, picture.height) / COLOUR_SIDE));
  const { data } = reduce(picture, step, step);
  const count = data.length / 3;
  const [redGreen, yellowBlue] = [new Float64Array(count), new Float64Array(count)];
  for (let at = 0; at < count; at++) {
    const [red, green, blue] = [data[3 * at] ?? 0, data[3 * at + 1] ?? 0, data[3 * at + 2] ?? 0];
    redGreen[at] = red - green;
    yellowBlue[at] = (red + green) / 2 - blue;
  }
  const [one, other] = [spreadOf(redGreen), spreadOf(yellowBlue)];
  return Math.hypot(one.deviation, other.deviation) + 0.3 * Math.hypot(one.mean, other.mean);
}

function spreadOf(values: Float64Array): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
