/** Run-length encoding of DICOM. Source: PS3.5, annex G. */

const HEADER = 64;
const MAX_SEGMENTS = 15;

/**
 * Values of a frame of `pixels` pixels with `samples` of `bytes` bytes each: all samples of a pixel after each other,
 * the least significant byte first. Raises RangeError for what is damaged.
 */
export function decodeRle(data: Uint8Array, pixels: number, samples: number, bytes: number): Uint8Array {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const count = data.length >= HEADER ? view.getUint32(0, true) : 0;
  if (count !== samples * bytes || count > MAX_SEGMENTS) throw new RangeError(`expected ${samples * bytes} RLE segments, found ${count}`);
  const values = new Uint8Array(pixels * samples * bytes);
  for (let segment = 0; segment < count; segment++) {
    const start = view.getUint32(4 + 4 * segment, true);
    const end = segment + 1 < count ? view.getUint32(8 + 4 * segment, true) : data.length;
    if (start < HEADER || end < start || end > data.length) throw new RangeError("expected RLE segments inside of the frame");
    const [sample, byte] = [Math.floor(segment / bytes), bytes - 1 - (segment % bytes)];
    unpack(data.subarray(start, end), values, sample * bytes + byte, samples * bytes);
  }
  return values;
}

/** Every `step`-th byte of `target` from `at` on. */
function unpack(packed: Uint8Array, target: Uint8Array, at: number, step: number): void {
  let from = 0;
  while (at < target.length && from < packed.length) {
    const control = packed[from++] ?? 0;
    if (control === 128) continue;
    const repeated = control > 128;
    const length = repeated ? 257 - control : control + 1;
    for (let index = 0; index < length && at < target.length; index++, at += step) {
      target[at] = packed[repeated ? from : from + index] ?? 0;
    }
    from += repeated ? 1 : length;
  }
  if (at < target.length) throw new RangeError("expected whole RLE segments, found one that is cut off");
}
