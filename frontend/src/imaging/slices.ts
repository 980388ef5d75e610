/** Slices of a series, loaded once each as long as there is room. */

import { decoder } from "./decoder";
import { loadFile, loadPicture, type Drawing } from "./drawing";
import { fileKey } from "./file-keys";
import type { Size } from "./geometry";

/** One image of a stack: a file, or the address of a picture. */
export interface Slice {
  file?: Blob;
  src?: string;
  /** Of the file, from 0. */
  frame?: number;
  alt: string;
  /** What the model says of it, in few words. */
  result?: string;
  /** Whether the result asks for a look: a finding, or none where one was expected. */
  notable?: boolean;
  overlay?: string | null;
  contours?: [x: number, y: number][][];
  /** In whose pixels the contours are; those of the picture itself where it is left out. */
  size?: Size;
  /** Whose outline they are, for a screen reader. */
  outlineName?: string;
  /** Whether they are places of text. */
  textPlaces?: boolean;
}

/** RGBA of the canvas and the values of each, roughly: 300 slices of 512 × 512 do not all stay. */
const MAX_CACHED_PIXELS = 20_000_000;

class SliceCache {
  private readonly kept = new Map<string, Promise<Drawing>>();
  private readonly pixels = new Map<string, number>();

  /** The same for the same image. */
  key({ file, src = "", frame = 0 }: Pick<Slice, "file" | "src" | "frame">): string {
    return file ? `${fileKey(file)} ${frame}` : src;
  }

  /** Raises Error when it cannot be decoded. */
  load(slice: Pick<Slice, "file" | "src" | "frame">): Promise<Drawing> {
    const key = this.key(slice);
    const known = this.kept.get(key);
    if (known) {
      // The last used goes last.
      this.kept.delete(key);
      this.kept.set(key, known);
      return known;
    }
    const { file, src = "", frame = 0 } = slice;
    const loading = file ? loadFile(file, frame) : loadPicture(src);
    this.kept.set(key, loading);
    loading.then(
      ({ canvas }) => this.keep(key, canvas),
      () => this.kept.delete(key),
    );
    return loading;
  }

  /** Forgets all, with the file that the decoder has: making a study of a large one needs the memory. */
  clear(): void {
    this.kept.clear();
    this.pixels.clear();
    decoder.release();
  }

  private keep(key: string, { width, height }: Size): void {
    if (!this.kept.has(key)) return;
    this.pixels.set(key, width * height);
    let total = [...this.pixels.values()].reduce((sum, pixels) => sum + pixels, 0);
    for (const oldest of this.kept.keys()) {
      if (total <= MAX_CACHED_PIXELS) break;
      if (oldest === key) continue;
      total -= this.pixels.get(oldest) ?? 0;
      this.pixels.delete(oldest);
      this.kept.delete(oldest);
    }
  }
}

export const slices = new SliceCache();
