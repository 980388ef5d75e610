/** What the viewer draws: a picture that the browser decodes, or values that a window turns into grey levels. */

import { decoder } from "./decoder";
import type { Size, Spacing } from "./geometry";
import { pictureRaster, render, unitRange, type Raster } from "./raster";
import { BYTES, isSameWindow, PICTURE_WINDOWS, type Range, type Window, type Windows } from "./windows";

/** Pixels of a canvas. A larger image is drawn smaller: 64 MB for each layer is what a telephone has to give. */
const MAX_CANVAS_PIXELS = 16_000_000;
const MAX_CANVAS_SIDE = 8192;

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

export interface Drawing {
  /** Of the image, in its own pixels. */
  size: Size;
  /** Of the canvas to draw on. */
  canvas: Size;
  range: Range;
  windows: Windows;
  spacing: Spacing | null;
  /** Of the file. */
  frames: number;
  draw(context: Context, window: Window, inverted: boolean): void;
}

/**
 * Raises when it is no image. The Content-Security-Policy lets no script read data: and blob: addresses: they are loaded
 * by an `img`. What that decodes stays in the browser's memory for long, which a series of slices would fill.
 */
export async function loadPicture(src: string): Promise<Drawing> {
  if (!/^(data|blob):/.test(src)) {
    const answer = await fetch(src);
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    return new Picture(await createImageBitmap(await answer.blob()));
  }
  const image = new Image();
  image.src = src;
  await image.decode();
  return new Picture(image);
}

/** A frame of a file with stored values, any other as a picture. Raises Error when neither can be decoded. */
export async function loadFile(file: Blob, frame: number): Promise<Drawing> {
  const stored = await decoder.stored(file, frame);
  if (stored) return rasterDrawing(stored.raster, stored.frames);
  const address = URL.createObjectURL(file);
  try {
    return await loadPicture(address);
  } finally {
    URL.revokeObjectURL(address);
  }
}

class Picture implements Drawing {
  readonly size: Size;
  readonly canvas: Size;
  readonly range = BYTES;
  readonly windows = PICTURE_WINDOWS;
  readonly spacing = null;
  readonly frames = 1;
  private raster: Raster | null = null;

  constructor(private readonly image: HTMLImageElement | ImageBitmap) {
    this.size = { width: image.width, height: image.height };
    this.canvas = canvasSize(this.size);
  }

  draw(context: Context, window: Window, inverted: boolean): void {
    const { width, height } = this.canvas;
    if (!inverted && isSameWindow(window, PICTURE_WINDOWS[0])) {
      context.clearRect(0, 0, width, height);
      context.drawImage(this.image, 0, 0, width, height);
      return;
    }
    this.raster ??= this.read();
    drawRaster(context, this.raster, window, inverted);
  }

  /** Once, and only for who changes the brightness. */
  private read(): Raster {
    const context = new OffscreenCanvas(this.canvas.width, this.canvas.height).getContext("2d");
    if (!context) throw new Error("this browser gives no canvas");
    context.drawImage(this.image, 0, 0, this.canvas.width, this.canvas.height);
    return pictureRaster(context.getImageData(0, 0, this.canvas.width, this.canvas.height));
  }
}

/** Stored values, each pixel one of the canvas. */
function rasterDrawing(raster: Raster, frames: number): Drawing {
  const { width, height, windows, spacing } = raster;
  return {
    size: { width, height },
    canvas: { width, height },
    range: unitRange(raster),
    windows,
    spacing,
    frames,
    draw: (context, window, inverted) => drawRaster(context, raster, window, inverted),
  };
}

function drawRaster(context: Context, raster: Raster, window: Window, inverted: boolean): void {
  const shown = context.createImageData(raster.width, raster.height);
  render(raster, window, inverted, shown.data);
  context.putImageData(shown, 0, 0);
}

export function canvasSize({ width, height }: Size): Size {
  const scale = Math.min(1, Math.sqrt(MAX_CANVAS_PIXELS / (width * height)), MAX_CANVAS_SIDE / Math.max(width, height));
  return { width: Math.max(Math.round(width * scale), 1), height: Math.max(Math.round(height * scale), 1) };
}
