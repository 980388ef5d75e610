/** Lossless JPEG: each value is predicted from its neighbours, and the difference coded. Source: ITU-T T.81, annex H. */

import type { BitReader } from "./bits";
import type { Frame, Planes, Scan, Tables } from "./jpeg-frame";

/** `a` is the neighbour at the left, `b` above, `c` between them. */
const PREDICTORS: readonly ((a: number, b: number, c: number) => number)[] = [
  () => 0,
  (a) => a,
  (_, b) => b,
  (_a, _b, c) => c,
  (a, b, c) => a + b - c,
  (a, b, c) => a + ((b - c) >> 1),
  (a, b, c) => b + ((a - c) >> 1),
  (a, b) => (a + b) >> 1,
];

export function decodeLossless(frame: Frame): Planes {
  const { width, height, precision, components } = frame;
  if (components.some(({ h, v }) => h !== 1 || v !== 1)) throw new RangeError("expected a lossless JPEG without subsampling");
  const count = components.length;
  const values = new Uint16Array(width * height * count);

  function scan(reader: BitReader, { components: scanned, start, shift }: Scan, tables: Tables): void {
    const predict = PREDICTORS[start];
    if (!predict || start === 0) throw new RangeError(`expected a JPEG predictor of 1 to 7, found ${start}`);
    const channels = scanned.map(({ index, dc }) => ({ index, table: tables.dc.get(dc) }));
    const first = 1 << (precision - shift - 1);
    const stride = width * count;
    let left = tables.restartInterval;
    /** The first row after a start or a restart is predicted from the left alone. */
    let top = 0;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (tables.restartInterval > 0 && left-- === 0) {
          reader.restart();
          left = tables.restartInterval - 1;
          // Intervals are whole rows (T.81, H.1.1).
          if (x !== 0) throw new RangeError("expected restarts of a lossless JPEG at the beginning of a row");
          top = y;
        }
        for (const { index, table } of channels) {
          if (!table) throw new RangeError("expected a Huffman table in a JPEG");
          const at = (y * width + x) * count + index;
          const a = x > 0 ? (values[at - count] ?? 0) >> shift : 0;
          const b = y > top ? (values[at - stride] ?? 0) >> shift : 0;
          const c = x > 0 && y > top ? (values[at - stride - count] ?? 0) >> shift : 0;
          const predicted = y === top ? (x === 0 ? first : a) : x === 0 ? b : predict(a, b, c);
          const length = reader.symbol(table);
          if (length > 16) throw new RangeError("expected differences of at most 16 bits in a JPEG");
          const difference = length === 16 ? 32_768 : reader.signed(length);
          values[at] = ((predicted + difference) & 0xffff) << shift;
        }
      }
    }
  }

  return { scan, values: () => values };
}
