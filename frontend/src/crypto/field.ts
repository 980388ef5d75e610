/** Arithmetic in GF(2^8) with the polynomial of AES (FIPS 197, 4.2), on whole arrays of bytes. */

type Bytes = Uint8Array<ArrayBuffer>;

const POLYNOMIAL = 0x11b;
const ORDER = 255;

const exponents = new Uint8Array(ORDER);
const logarithms = new Uint8Array(256);
for (let power = 0, value = 1; power < ORDER; power++) {
  exponents[power] = value;
  logarithms[value] = power;
  value ^= value << 1;
  if (value & 0x100) value ^= POLYNOMIAL;
}

export function multiply(one: number, other: number): number {
  if (one === 0 || other === 0) return 0;
  return exponents[((logarithms[one] ?? 0) + (logarithms[other] ?? 0)) % ORDER] ?? 0;
}

/** The polynomials, one a byte, whose coefficients begin with the constant: their values at `point` (Horner). */
export function evaluate(coefficients: readonly Bytes[], point: number): Bytes {
  const value = new Uint8Array(coefficients.at(-1) ?? []);
  const times = productsOf(point);
  for (const coefficient of coefficients.slice(0, -1).reverse()) {
    for (let at = 0; at < value.length; at++) value[at] = (times[value[at] ?? 0] ?? 0) ^ (coefficient[at] ?? 0);
  }
  return value;
}

/** The value at `at` of the polynomials of least degree with `values` at `points`, which differ (Lagrange). */
export function interpolate(points: readonly number[], values: readonly Bytes[], at: number): Bytes {
  const total = new Uint8Array(values[0]?.length ?? 0);
  for (const [number, weight] of weights(points, at).entries()) {
    const times = productsOf(weight);
    const value = values[number] ?? total;
    for (let place = 0; place < total.length; place++) total[place] = (total[place] ?? 0) ^ (times[value[place] ?? 0] ?? 0);
  }
  return total;
}

/** What each point's value is multiplied by, to give the value at `at`. */
function weights(points: readonly number[], at: number): number[] {
  return points.map((point) => {
    const others = points.filter((other) => other !== point);
    const numerator = others.reduce((product, other) => multiply(product, at ^ other), 1);
    const denominator = others.reduce((product, other) => multiply(product, point ^ other), 1);
    return multiply(numerator, exponents[(ORDER - (logarithms[denominator] ?? 0)) % ORDER] ?? 0);
  });
}

function productsOf(factor: number): Bytes {
  return Uint8Array.from({ length: 256 }, (_, value) => multiply(value, factor));
}
