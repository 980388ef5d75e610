/** Pictures with what Python computes of them: see tests/ml/device_vectors.py. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import type { Metadata } from "../../../frontend/src/inference/decision";
import type { Box, Picture } from "../../../frontend/src/inference/pillow";

interface Stored {
  name: string;
  width: number;
  height: number;
  channels: 1 | 3;
  pixels: string;
  colourfulness: number;
  tensors: Record<string, string>;
  answer: {
    crop: Box;
    logits: number[];
    features: string;
    maps: { shape: [number, number, number]; values: string };
    label: string;
    reason: string | null;
    confidence: number;
    probabilities: Record<string, number>;
    oodScore: number;
    overlay: string | null;
  };
  outline: { threshold: number; pixels: number; areas: number[] };
}

export interface Vector extends Stored {
  picture: Picture;
}

const BUNDLES = join(import.meta.dirname, "../../../ml/bundles");
const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, "base64"));

export const inflated = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(inflateSync(bytesOf(text)));
export const floats = (text: string): Float32Array => new Float32Array(bytesOf(text).buffer);
export const sha256 = ({ buffer }: Float32Array<ArrayBuffer>): string => createHash("sha256").update(new Uint8Array(buffer)).digest("hex");

export const bundleFile = (name: string, model = "brain-mri"): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(join(BUNDLES, model, name)));
export const metadataOf = (model: string): Metadata => JSON.parse(new TextDecoder().decode(bundleFile("metadata.json", model))) as Metadata;

const files = [join(import.meta.dirname, "vectors.json"), process.env.SCANPROOF_DEVICE_VECTORS].filter((name) => name !== undefined && name !== "");

export const vectors: Vector[] = files.flatMap((file) =>
  (JSON.parse(readFileSync(file!, "utf8")) as Stored[]).map((stored) => {
    const { width, height, channels, pixels } = stored;
    return { ...stored, picture: { width, height, channels, data: inflated(pixels) } };
  }),
);
