/** Compressed data, with a limit on what they become. */

import { joined } from "./bytes";

/** What a browser makes of one write is in memory before the limit is compared: a thousand times as much at most. */
const PART_BYTES = 16 * 1024;
/** Bytes behind deflated data, at most. */
const LONGEST_REST = 64;

/**
 * What may follow the data, such as a zero that makes their length even, is an error to browsers, and some keep back
 * their last output then: the last `rest` bytes are written one by one, and what came before counts. Raises RangeError
 * for more than `limit` bytes, else what the stream raises for damage.
 */
export async function inflate(
  data: Uint8Array<ArrayBuffer>,
  format: "deflate" | "deflate-raw",
  limit: number,
  rest = LONGEST_REST,
): Promise<Uint8Array<ArrayBuffer>> {
  const { readable, writable } = new DecompressionStream(format);
  const parts: Uint8Array[] = [];
  const reading = readAll(readable, parts, limit);
  // Awaited below; until then, its failure is no unhandled one.
  reading.catch(() => undefined);
  const writer = writable.getWriter();
  const start = Math.max(data.length - rest, 0);
  let inRest = false;
  try {
    for (let at = 0; at < start; at += PART_BYTES) await writer.write(data.subarray(at, Math.min(at + PART_BYTES, start)));
    inRest = true;
    for (let at = start; at < data.length; at++) await writer.write(data.subarray(at, at + 1));
    inRest = false;
    await Promise.all([writer.close(), reading]);
  } catch (error) {
    await reading.catch((failure: unknown) => {
      if (failure instanceof RangeError) throw failure;
    });
    if (!inRest) throw error;
  }
  return joined(parts);
}

/** Adds what the stream has to `parts`. Raises RangeError for more than `limit` bytes, and what the stream raises. */
export async function readAll(stream: ReadableStream<Uint8Array>, parts: Uint8Array[], limit: number): Promise<void> {
  const reader = stream.getReader();
  let size = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.length;
    if (size > limit) {
      await reader.cancel().catch(() => undefined);
      throw new RangeError(`expected a file that inflates to at most ${limit} bytes, found one that goes on`);
    }
    parts.push(part.value);
  }
}
