/** Compressed data, with a limit on what they become. */

/** Bytes behind deflated data, at most. */
const LONGEST_REST = 64;

/**
 * What may follow the data, such as a zero that makes their length even, is an error to browsers: the last bytes are
 * written one by one, and what came before counts. Raises RangeError for more than `limit` bytes, TypeError for damage.
 */
export async function inflate(data: Uint8Array<ArrayBuffer>, format: "deflate" | "deflate-raw", limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const { readable, writable } = new DecompressionStream(format);
  const parts: Uint8Array[] = [];
  const reading = readAll(readable, parts, limit);
  // Awaited below; until then, its failure is no unhandled one.
  reading.catch(() => undefined);
  const writer = writable.getWriter();
  const rest = Math.max(data.length - LONGEST_REST, 0);
  await writer.write(data.subarray(0, rest));
  try {
    for (let at = rest; at < data.length; at++) await writer.write(data.subarray(at, at + 1));
  } catch {
    await reading.catch((error: unknown) => {
      if (error instanceof RangeError) throw error;
    });
    return joined(...parts);
  }
  await Promise.all([writer.close(), reading]);
  return joined(...parts);
}

async function readAll(readable: ReadableStream<Uint8Array>, parts: Uint8Array[], limit: number): Promise<void> {
  const reader = readable.getReader();
  for (let size = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      throw new RangeError(`expected a file that inflates to at most ${limit} bytes, found one that goes on`);
    }
    parts.push(value);
  }
}

export function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
