/** Baseline and extended sequential JPEG. Source: ITU-T T.81, annexes A and F; upsampling as libjpeg's. */

import type { BitReader, HuffmanTable } from "./bits";
import { clamp } from "./geometry";
import type { Component, Frame, Planes, Scan, Tables } from "./jpeg-frame";

const ZIGZAG = Uint8Array.from([
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28, 35,
  42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
]);
/** Factors of the inverse cosine transform with `bits` behind the point (Loeffler, Ligtenberg and Moschytz, 1989). */
const FACTORS = [
  0.298631336, 0.390180644, 0.5411961, 0.765366865, 0.899976223, 1.175875602, 1.501321110, 1.847759065, 1.961570560, 2.053119869,
  2.562915447, 3.072711026,
];

/** How a decoder rounds: the server's values are equal only if its steps are. */
interface Rounding {
  /** Behind the point of the factors. */
  bits: number;
  /** Behind the point of what comes in, and between the passes. */
  scaled: number;
  between: number;
  rowsFirst: boolean;
}

/** libjpeg-turbo's (jidctint.c) for 8 bits, that of the JPEG committee's libjpeg (dct/idct.cpp) for 12. */
const ROUNDING: Record<number, Rounding> = {
  8: { bits: 13, scaled: 0, between: 2, rowsFirst: false },
  12: { bits: 9, scaled: 4, between: 0, rowsFirst: true },
};

/** Values of one component, in whole blocks; `columns` and `rows` belong to the image. */
interface Plane {
  stride: number;
  columns: number;
  rows: number;
  blocksAcross: number;
  blocksDown: number;
  values: Uint16Array;
}

export function decodeSequential(frame: Frame): Planes {
  const { width, height, precision, components } = frame;
  const maxH = Math.max(...components.map(({ h }) => h));
  const maxV = Math.max(...components.map(({ v }) => v));
  const unitsAcross = Math.ceil(width / (8 * maxH));
  const unitsDown = Math.ceil(height / (8 * maxV));
  const planes = components.map(({ h, v }): Plane => {
    const [columns, rows] = [Math.ceil((width * h) / maxH), Math.ceil((height * v) / maxV)];
    const [stride, lines] = [unitsAcross * h * 8, unitsDown * v * 8];
    return { stride, columns, rows, blocksAcross: Math.ceil(columns / 8), blocksDown: Math.ceil(rows / 8), values: new Uint16Array(stride * lines) };
  });
  const block = new Int32Array(64);
  const rounding = ROUNDING[precision];
  if (!rounding) throw new RangeError(`expected a JPEG of 8 or 12 bits, found ${precision}`);
  const invert = inverse(rounding);

  function scan(reader: BitReader, { components: scanned }: Scan, tables: Tables): void {
    const parts = scanned.map(({ index, dc, ac }) => {
      const [component, plane] = [components[index], planes[index]];
      const [dcTable, acTable] = [tables.dc.get(dc), tables.ac.get(ac)];
      const quantization = component && tables.quantization.get(component.quantization);
      if (!component || !plane || !dcTable || !acTable || !quantization) throw new RangeError("expected all tables of a JPEG scan");
      return { component, plane, dc: dcTable, ac: acTable, quantization, last: 0 };
    });
    const [single] = parts.length === 1 ? parts : [];
    const across = single ? single.plane.blocksAcross : unitsAcross;
    const units = across * (single ? single.plane.blocksDown : unitsDown);
    for (let unit = 0; unit < units; unit++) {
      if (tables.restartInterval > 0 && unit > 0 && unit % tables.restartInterval === 0) {
        reader.restart();
        for (const part of parts) part.last = 0;
      }
      const [column, row] = [unit % across, Math.floor(unit / across)];
      for (const part of parts) {
        const { h, v }: Pick<Component, "h" | "v"> = single ? { h: 1, v: 1 } : part.component;
        for (let down = 0; down < v; down++) {
          for (let right = 0; right < h; right++) {
            part.last = readBlock(reader, part.dc, part.ac, part.quantization, part.last, block);
            invert(block);
            store(block, part.plane, column * h + right, row * v + down);
          }
        }
      }
    }
  }

  function store(values: Int32Array, { stride, values: target }: Plane, column: number, row: number): void {
    const [middle, most] = [1 << (precision - 1), (1 << precision) - 1];
    for (let y = 0; y < 8; y++) {
      const at = (row * 8 + y) * stride + column * 8;
      for (let x = 0; x < 8; x++) {
        const value = (values[8 * y + x] ?? 0) + middle;
        target[at + x] = value < 0 ? 0 : value > most ? most : value;
      }
    }
  }

  function values(): Uint16Array<ArrayBuffer> {
    const out = new Uint16Array(width * height * components.length);
    planes.forEach((plane, channel) => {
      const { h = 1, v = 1 } = components[channel] ?? {};
      const full = upsample(plane, maxH / h, maxV / v);
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) out[(y * width + x) * components.length + channel] = full.values[y * full.stride + x] ?? 0;
      }
    });
    return out;
  }

  return { scan, values };
}

/** Dequantized coefficients in their natural order; the DC coefficient that the next block is predicted from. */
function readBlock(
  reader: BitReader,
  dc: HuffmanTable,
  ac: HuffmanTable,
  quantization: Uint16Array,
  last: number,
  block: Int32Array,
): number {
  block.fill(0);
  const length = reader.symbol(dc);
  if (length > 15) throw new RangeError("expected JPEG coefficients of at most 15 bits");
  const value = last + reader.signed(length);
  block[0] = value * (quantization[0] ?? 1);
  for (let at = 1; at < 64; at++) {
    const symbol = reader.symbol(ac);
    const bits = symbol & 15;
    if (bits === 0) {
      if (symbol !== 0xf0) break;
      at += 15;
      continue;
    }
    at += symbol >> 4;
    if (at > 63) throw new RangeError("expected at most 64 coefficients in a JPEG block");
    block[ZIGZAG[at] ?? 0] = reader.signed(bits) * (quantization[at] ?? 1);
  }
  return value;
}

/** The inverse cosine transform of a block, in place and in whole numbers. */
function inverse({ bits, scaled, between, rowsFirst }: Rounding): (block: Int32Array) => void {
  const factors = FACTORS.map((factor) => Math.round(factor * 2 ** bits)) as Twelve;
  const passes = rowsFirst ? ([[8, 1], [1, 8]] as const) : ([[1, 8], [8, 1]] as const);
  const shifts = [bits - between, bits + between + 3];
  const half = (1 << scaled) >> 1;
  return (block) => {
    for (let at = 0; at < 64; at++) block[at] = (block[at] ?? 0) * (1 << scaled);
    passes.forEach(([next, step], pass) => {
      for (let line = 0; line < 8; line++) transform(block, line * next, step, shifts[pass] ?? 0, bits, factors);
    });
    for (let at = 0; at < 64; at++) block[at] = ((block[at] ?? 0) + half) >> scaled;
  };
}

type Twelve = [number, number, number, number, number, number, number, number, number, number, number, number];

/** Eight values from `at` on, `step` apart, without the last `shift` bits. */
function transform(block: Int32Array, at: number, step: number, shift: number, bits: number, factors: Twelve): void {
  const [f0298, f0390, f0541, f0765, f0899, f1175, f1501, f1847, f1961, f2053, f2562, f3072] = factors;
  const value = (index: number) => block[at + index * step] ?? 0;
  const [s2, s6] = [value(2), value(6)];
  const shared = (s2 + s6) * f0541;
  const [even2, even3] = [shared - s6 * f1847, shared + s2 * f0765];
  const [even0, even1] = [(value(0) + value(4)) * (1 << bits), (value(0) - value(4)) * (1 << bits)];
  const [t10, t13, t11, t12] = [even0 + even3, even0 - even3, even1 + even2, even1 - even2];
  const [s7, s5, s3, s1] = [value(7), value(5), value(3), value(1)];
  const z5 = (s7 + s3 + s5 + s1) * f1175;
  const [z1, z2] = [-(s7 + s1) * f0899, -(s5 + s3) * f2562];
  const [z3, z4] = [z5 - (s7 + s3) * f1961, z5 - (s5 + s1) * f0390];
  const [t0, t1, t2, t3] = [s7 * f0298 + z1 + z3, s5 * f2053 + z2 + z4, s3 * f3072 + z2 + z3, s1 * f1501 + z1 + z4];
  const half = 1 << (shift - 1);
  const set = (index: number, sum: number) => (block[at + index * step] = (sum + half) >> shift);
  set(0, t10 + t3);
  set(7, t10 - t3);
  set(1, t11 + t2);
  set(6, t11 - t2);
  set(2, t12 + t1);
  set(5, t12 - t1);
  set(3, t13 + t0);
  set(4, t13 - t0);
}

interface Full {
  stride: number;
  values: Uint16Array;
}

/** Factors of two as libjpeg's "fancy" upsampling has them, so that chroma is equal to Pillow's; others repeat values. */
function upsample(plane: Plane, across: number, down: number): Full {
  if (across === 1 && down === 1) return plane;
  if (across === 2 && down === 1 && plane.columns > 2) return doubledAcross(plane);
  if (across === 2 && down === 2 && plane.columns > 2) return doubled(plane);
  const stride = Math.ceil(plane.columns * across);
  const rows = Math.ceil(plane.rows * down);
  const values = new Uint16Array(stride * rows);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < stride; x++) values[y * stride + x] = plane.values[Math.floor(y / down) * plane.stride + Math.floor(x / across)] ?? 0;
  }
  return { stride, values };
}

function doubledAcross({ columns, rows, stride: from, values }: Plane): Full {
  const stride = 2 * columns;
  const out = new Uint16Array(stride * rows);
  for (let y = 0; y < rows; y++) {
    const at = (x: number) => values[y * from + x] ?? 0;
    for (let x = 0; x < columns; x++) {
      const here = 3 * at(x);
      out[y * stride + 2 * x] = x === 0 ? at(0) : (here + at(x - 1) + 1) >> 2;
      out[y * stride + 2 * x + 1] = x === columns - 1 ? at(x) : (here + at(x + 1) + 2) >> 2;
    }
  }
  return { stride, values: out };
}

function doubled({ columns, rows, stride: from, values }: Plane): Full {
  const stride = 2 * columns;
  const out = new Uint16Array(stride * 2 * rows);
  for (let y = 0; y < 2 * rows; y++) {
    const near = y >> 1;
    const far = clamp(near + (y % 2 === 0 ? -1 : 1), 0, rows - 1);
    const at = (x: number) => 3 * (values[near * from + x] ?? 0) + (values[far * from + x] ?? 0);
    for (let x = 0; x < columns; x++) {
      const here = at(x);
      out[y * stride + 2 * x] = (x === 0 ? 4 * here + 8 : 3 * here + at(x - 1) + 8) >> 4;
      out[y * stride + 2 * x + 1] = (x === columns - 1 ? 4 * here + 7 : 3 * here + at(x + 1) + 7) >> 4;
    }
  }
  return { stride, values: out };
}
