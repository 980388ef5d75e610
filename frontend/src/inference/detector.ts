/** The outlier detector of a bundle, detector.npz: as ml/bundle/detector.py. */

import { readZip } from "../state/zip";

/** The distance to the nearest class under a shared covariance (Lee et al. 2018), in standard deviations a dimension. */
export interface Detector {
  /** Classes × dimensions. */
  means: Float32Array;
  /** Dimensions × dimensions; times its transpose, it is the inverse covariance. */
  whitening: Float32Array;
}

/** Two arrays of a few thousand dimensions at most. */
const LIMITS = { files: 2, bytes: 64 * 1024 * 1024 };
/** With the version of the format. */
const MAGIC = "\x93NUMPY\x01\0";
const HEADER_AT = 10;

/** Raises ZipRefused or RangeError for a file that is none. */
export async function readDetector(content: Uint8Array<ArrayBuffer>): Promise<Detector> {
  const files = await readZip(new Blob([content]), LIMITS);
  const read = async (name: string) => {
    const file = files.find((each) => each.name === `${name}.npy`);
    if (!file) throw new RangeError(`expected the array ${name} in the detector`);
    return arrayOf(await file.bytes());
  };
  return { means: await read("means"), whitening: await read("whitening") };
}

export function outlierScore({ means, whitening }: Detector, features: Float32Array): number {
  const size = features.length;
  let nearest = Infinity;
  for (let mean = 0; mean < means.length; mean += size) {
    const offset = features.map((value, at) => value - (means[mean + at] ?? 0));
    const whitened = new Float64Array(size);
    offset.forEach((value, row) => {
      for (let column = 0; column < size; column++) whitened[column] = (whitened[column] ?? 0) + value * (whitening[row * size + column] ?? 0);
    });
    nearest = Math.min(nearest, whitened.reduce((sum, value) => sum + value * value, 0) / size);
  }
  return Math.sqrt(nearest);
}

/** A .npy file of little-endian float32 in C order (NumPy Enhancement Proposal 1). Raises RangeError for another one. */
export function arrayOf(file: Uint8Array<ArrayBuffer>): Float32Array {
  const start = HEADER_AT + (file[8] ?? 0) + 256 * (file[9] ?? 0);
  const magic = String.fromCharCode(...file.subarray(0, MAGIC.length));
  const header = new TextDecoder().decode(file.subarray(HEADER_AT, start));
  if (magic !== MAGIC || !header.includes("'<f4'") || !header.includes("'fortran_order': False")) {
    throw new RangeError("expected a NumPy array of float32 in the detector");
  }
  return new Float32Array(file.slice(start).buffer);
}
