/** What a whole-slide image goes through before it leaves the page. */

import { pictureEnding } from "../picture-kinds";
import { SlideError } from "./slide-error";

const HEAD_BYTES = 16;

/** Of an ordinary image. */
interface Limits {
  maxBytes: number;
  maxPixels: number;
}

export interface PreparedSlide {
  /** Without identifiers, of parts of the file that was chosen. */
  file: File;
  /** How often what was removed; nothing is replaced or kept in part under its name. */
  removed: Record<"removed" | "replaced" | "cleaned", Map<string, number>>;
  /** Width and height of its pictures, full size first. */
  levels: { width: number; height: number }[];
}

/** Whether a file is a whole-slide image. Parts of it are read, where it begins as TIFF does. */
export async function isSlideFile(file: Blob, limits: Limits): Promise<boolean> {
  if (pictureEnding(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer())) !== "tif") return false;
  const { isSlide } = await import("./structure");
  return isSlide(file, limits);
}

/** A whole slide without identifiers. It is read part by part. Raises SlideError. */
export async function prepareSlide(file: File, maxBytes: number): Promise<PreparedSlide> {
  if (file.size > maxBytes) {
    throw new SlideError(`expected a slide of at most ${maxBytes.toLocaleString("en-GB")} bytes, found ${file.size.toLocaleString("en-GB")}`);
  }
  const [{ SlideFile }, { cleanBlob, plan }] = await Promise.all([import("./structure"), import("./cleaning")]);
  const cleaning = await plan(await SlideFile.open(file));
  return {
    // Its own name may be a person's.
    file: new File([cleanBlob(file, cleaning)], "slide.tif", { type: "image/tiff" }),
    removed: { removed: new Map(cleaning.removed.map((name) => [name, 1])), replaced: new Map(), cleaned: new Map() },
    levels: cleaning.levels.map(({ width, height }) => ({ width, height })),
  };
}
