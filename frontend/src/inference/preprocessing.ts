/** The network's input from a decoded picture: as ml/preprocessing/grey_image.py and thumbnail.py, bit by bit. */

import { rangeOf } from "../imaging/raster";
import { BICUBIC, BILINEAR, grey, reduce, resize, round, wholeBox, type Box, type Picture } from "./pillow";

const BORDER_TAIL = 0.05;
const BORDER_CONTRAST = 0.1;
const BORDER_GRID = 128;
const SMALLEST_CONTENT = 0.25;
const STRETCH_SHARES = [0.01, 0.995] as const;
const REDUCING_GAP = 2;

/** `pixels` are `size` × `size` and as many channels, in [0, 1]; `square` is the part of the picture that they cover. */
export interface Preprocessed {
  pixels: Float32Array<ArrayBuffer>;
  shape: [1, number, number, number];
  crop: Box;
  square: Box;
}

type Procedure = (picture: Picture, size: number) => Preprocessed;

const FAMILIES: Record<string, Procedure> = {
  "grey-crop-pad-<size>-v1": greyCropPad,
  "thumbnail-<size>-v1": thumbnail,
};

/** The procedure that metadata name, such as grey-crop-pad-128-v1; null for one that runs on the server only. */
export function procedureOf(id: string): ((picture: Picture) => Preprocessed) | null {
  const size = /-([1-9][0-9]{0,3})-v/.exec(id)?.[1];
  const run = size ? FAMILIES[id.replace(`-${size}-v`, "-<size>-v")] : undefined;
  return run ? (picture) => run(picture, Number(size)) : null;
}

/** Without uniform borders, padded to a square, stretched from the 1st to the 99.5th percentile. */
function greyCropPad(picture: Picture, size: number): Preprocessed {
  const whole = grey(picture);
  const crop = contentBox(whole);
  const scale = size / Math.max(crop.right - crop.left, crop.bottom - crop.top);
  const side = (length: number) => Math.max(1, round(length * scale));
  const [width, height] = [side(crop.right - crop.left), side(crop.bottom - crop.top)];
  const content = resize(whole, width, height, BICUBIC, crop);
  const [padX, padY] = [Math.floor((size - width) / 2), Math.floor((size - height) / 2)];
  const brightness = stretched(content.data);
  const pixels = new Float32Array(size * size);
  content.data.forEach((level, at) => {
    pixels[(padY + Math.floor(at / width)) * size + padX + (at % width)] = brightness[level] ?? 0;
  });
  const [left, top] = [crop.left - padX / scale, crop.top - padY / scale];
  const square = { left, top, right: left + size / scale, bottom: top + size / scale };
  return { pixels, shape: [1, size, size, 1], crop, square };
}

/** The whole picture in colour, small. */
function thumbnail(picture: Picture, size: number): Preprocessed {
  const [across, down] = [picture.width, picture.height].map((length) => Math.trunc(length / size / REDUCING_GAP) || 1) as [number, number];
  const box = { left: 0, top: 0, right: picture.width / across, bottom: picture.height / down };
  const { data, channels } = resize(reduce(picture, across, down), size, size, BILINEAR, box);
  const pixels = Float32Array.from({ length: 3 * size * size }, (_, at) => (data[channels === 3 ? at : Math.floor(at / 3)] ?? 0) / 255);
  const whole = wholeBox(picture);
  return { pixels, shape: [1, size, size, 3], crop: whole, square: whole };
}

/** The picture without uniform lines at its four sides; the whole picture where too little would be left. */
function contentBox(whole: Picture): Box {
  const step = Math.max(1, Math.floor(Math.max(whole.width, whole.height) / BORDER_GRID));
  const { width, height, data } = reduce(whole, step, step);
  const { low, high } = rangeOf(data);
  const limit = BORDER_CONTRAST * Math.max(1, high - low);
  const at = (x: number, y: number) => data[y * width + x] ?? 0;
  let box = { left: 0, top: 0, right: width, bottom: height };
  for (;;) {
    const before = box;
    const rows = busyRange(box.bottom - box.top, box.right - box.left, (line, place) => at(before.left + place, before.top + line), limit);
    box = { ...box, top: box.top + rows.first, bottom: box.top + rows.end };
    const { left, top, right, bottom } = box;
    const columns = busyRange(right - left, bottom - top, (line, place) => at(left + line, top + place), limit);
    box = { ...box, left: left + columns.first, right: left + columns.end };
    if (Math.min(box.bottom - box.top, box.right - box.left) < SMALLEST_CONTENT * Math.max(height, width)) return wholeBox(whole);
    if (box.left === before.left && box.top === before.top && box.right === before.right && box.bottom === before.bottom) break;
  }
  // One line of margin: the outermost line of the content may itself be nearly uniform.
  return {
    left: Math.max(0, box.left - 1) * step,
    top: Math.max(0, box.top - 1) * step,
    right: Math.min(whole.width, (box.right + 1) * step),
    bottom: Math.min(whole.height, (box.bottom + 1) * step),
  };
}

/** First and one-past-last line whose brightness, without both tails, spans more than `limit`. */
function busyRange(lines: number, length: number, at: (line: number, place: number) => number, limit: number): { first: number; end: number } {
  const low = Math.trunc(length * BORDER_TAIL);
  const high = length - 1 - low;
  const line = new Uint8Array(length);
  let [first, end] = [0, 0];
  for (let number = 0; number < lines && length > 0; number++) {
    for (let place = 0; place < length; place++) line[place] = at(number, place);
    line.sort();
    if ((line[high] ?? 0) - (line[low] ?? 0) <= limit) continue;
    if (end === 0) first = number;
    end = number + 1;
  }
  return { first, end };
}

/** The brightness of each grey level. */
function stretched(levels: Uint8Array): Float32Array {
  const counts = new Uint32Array(256);
  for (const level of levels) counts[level] = (counts[level] ?? 0) + 1;
  const [low, high] = STRETCH_SHARES.map((share) => {
    let sum = 0;
    return counts.findIndex((count) => (sum += count) >= share * levels.length);
  }) as [number, number];
  return Float32Array.from({ length: 256 }, (_, level) => Math.min(Math.max((level - low) / Math.max(1, high - low), 0), 1));
}
