import type { Limits } from "../api/types";
import { bytes, printable } from "../format";
import { warning, type Problem } from "./problems";

const NAMES: Record<string, string> = {
  "image/png": "PNG",
  "image/jpeg": "JPEG",
  "image/tiff": "TIFF",
  "image/bmp": "BMP",
  "image/webp": "WebP",
  "application/dicom": "DICOM",
};

const UNKNOWN = "application/octet-stream";

/** `PNG, JPEG, TIFF`: the accepted types in words. */
export function typeNames({ mediaTypes }: Limits): string {
  return mediaTypes.map((type) => NAMES[type] ?? type).join(", ");
}

/** What is wrong with a chosen file before it is sent, or null. The server looks at the bytes themselves. */
export function checkFile(file: { name: string; size: number; type: string }, limits: Limits): Problem | null {
  if (file.size === 0) return warning("file-empty", "This file is empty", `“${printable(file.name)}” has no bytes.`);
  if (file.size > limits.maxBytes) {
    const text = `“${printable(file.name)}” has ${bytes(file.size)}; at most ${bytes(limits.maxBytes)} are accepted.`;
    return warning("file-too-large", "This file is too large", text);
  }
  // Some systems know no type for some endings; then the server decides.
  if (file.type && file.type !== UNKNOWN && !limits.mediaTypes.includes(normalised(file.type))) {
    const text = `“${printable(file.name)}” is ${file.type}. Accepted are ${typeNames(limits)}.`;
    return warning("file-type", "This type of file is not accepted", text);
  }
  return null;
}

/** Browsers on some systems say `image/x-ms-bmp` where the standard says `image/bmp`. */
function normalised(type: string): string {
  return type.toLowerCase().replace(/^image\/(x-ms-bmp|x-bmp)$/, "image/bmp").replace(/^image\/jpg$/, "image/jpeg");
}
