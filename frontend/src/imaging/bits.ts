/** The entropy-coded bits of a JPEG scan. Source: ITU-T T.81, annex F.2.2. */

/** A scan that is cut off is read as zeros for as many bits; then it is damaged. */
const MAX_PADDING_BITS = 64;
const SYMBOL_BITS = 16;

/** Length of a code and its symbol for each 16 bits that can come next; 0 where there is no code. */
export type HuffmanTable = Uint16Array;

/** `counts`: codes of each length 1 to 16. Raises RangeError for lengths that make no prefix code. */
export function huffmanTable(counts: Uint8Array, symbols: Uint8Array): HuffmanTable {
  const table = new Uint16Array(1 << SYMBOL_BITS);
  let next = 0;
  let index = 0;
  counts.forEach((count, at) => {
    const length = at + 1;
    const span = 1 << (SYMBOL_BITS - length);
    for (let code = 0; code < count; code++, index++, next += span) {
      const symbol = symbols[index];
      if (symbol === undefined || next + span > table.length) throw new RangeError("expected a whole Huffman table");
      table.fill((length << 8) | symbol, next, next + span);
    }
  });
  return table;
}

export class BitReader {
  private buffer = 0;
  private count = 0;
  private padded = 0;

  constructor(
    private readonly data: Uint8Array,
    /** Of the next byte. */
    public position: number,
  ) {}

  symbol(table: HuffmanTable): number {
    this.fill(SYMBOL_BITS);
    const entry = table[(this.buffer >>> (this.count - SYMBOL_BITS)) & 0xffff] ?? 0;
    if (entry === 0) throw new RangeError("expected a Huffman code, found none");
    this.count -= entry >> 8;
    return entry & 0xff;
  }

  /** `length` 0 to 16. */
  bits(length: number): number {
    if (length === 0) return 0;
    this.fill(length);
    this.count -= length;
    return (this.buffer >>> this.count) & ((1 << length) - 1);
  }

  /** A signed value of `length` bits (T.81, EXTEND). */
  signed(length: number): number {
    const value = this.bits(length);
    return length > 0 && value < 1 << (length - 1) ? value - (1 << length) + 1 : value;
  }

  /** Past a restart marker, where one is due. */
  restart(): void {
    this.count = 0;
    this.padded = 0;
    while (this.position + 1 < this.data.length) {
      const [first, second] = [this.data[this.position] ?? 0, this.data[this.position + 1] ?? 0];
      if (first === 0xff && second >= 0xd0 && second <= 0xd7) {
        this.position += 2;
        return;
      }
      if (first === 0xff && second !== 0 && second !== 0xff) break;
      this.position++;
    }
    throw new RangeError("expected a restart marker, found none");
  }

  private fill(wanted: number): void {
    while (this.count < wanted) {
      const byte = this.data[this.position];
      const marker = byte === 0xff && this.data[this.position + 1] !== 0;
      if (byte === undefined || marker) {
        this.padded += 8;
        if (this.padded > MAX_PADDING_BITS) throw new RangeError("expected a whole JPEG scan, found one that is cut off");
        this.buffer = (this.buffer << 8) | 0;
      } else {
        this.position += byte === 0xff ? 2 : 1;
        this.buffer = (this.buffer << 8) | byte;
      }
      this.count += 8;
    }
  }
}
