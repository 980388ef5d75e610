/** A file's picture of 8 bits a channel, as ml/preprocessing/images.py decodes it. */

import { HEAD_BYTES } from "../imaging/formats";
import { levels, MAX_PIXELS, type Raster } from "../imaging/raster";
import type { Picture } from "./pillow";

/** This device cannot classify the file, but the server can; the message is for people. */
export class OnServerOnly extends Error {}

const PNG_SIGNATURE = 0x89504e47;
const PNG_DEPTH_AT = 24;
const DEEP = 16;

/** What the browser decodes. Raises OnServerOnly for what it does not decode as the server does. */
export async function decode(file: Blob): Promise<Picture> {
  const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  if (isDeepPng(head)) throw new OnServerOnly("A PNG with 16 bits a colour is classified by the server only.");
  return browserPicture(file);
}

/** The stored values of a DICOM file or a grey PNG of 16 bits, as its first window shows them. */
export function pictureOf(raster: Raster): Picture {
  if (raster.colour) return withoutAlpha(raster);
  const { width, height, values, stored } = raster;
  const table = levels(raster, raster.windows[0], false);
  const data = new Uint8Array(width * height);
  for (let at = 0; at < data.length; at++) data[at] = table[(values[at] ?? 0) - stored.low] ?? 0;
  return { width, height, channels: 1, data };
}

function isDeepPng(head: Uint8Array<ArrayBuffer>): boolean {
  return head.length > PNG_DEPTH_AT && new DataView(head.buffer).getUint32(0) === PNG_SIGNATURE && head[PNG_DEPTH_AT] === DEEP;
}

/** By the browser itself, without colour management; transparent pixels lie over black. */
async function browserPicture(file: Blob): Promise<Picture> {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" }).catch(() => {
    throw new OnServerOnly("This browser does not decode this file. The server can classify it.");
  });
  const { width, height } = bitmap;
  try {
    if (width * height > MAX_PIXELS) throw new OnServerOnly(`An image of ${width} × ${height} pixels is too large: at most ${MAX_PIXELS} are read.`);
    const context = new OffscreenCanvas(width, height).getContext("2d", { alpha: false, willReadFrequently: true });
    if (!context) throw new OnServerOnly("This browser gives no canvas to a thread. The server can classify the image.");
    context.drawImage(bitmap, 0, 0);
    return withoutAlpha({ width, height, values: context.getImageData(0, 0, width, height).data });
  } finally {
    bitmap.close();
  }
}

function withoutAlpha({ width, height, values }: Pick<Raster, "width" | "height" | "values">): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < data.length; from += 4, to += 3) {
    data[to] = values[from] ?? 0;
    data[to + 1] = values[from + 1] ?? 0;
    data[to + 2] = values[from + 2] ?? 0;
  }
  return { width, height, channels: 3, data };
}
