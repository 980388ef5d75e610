/** The page's side of the decoder: one thread for all files. */

import type { DecodedFrame, DecoderReply, DecoderRequest } from "./decoder-messages";
import { fileKey } from "./file-keys";
import { HEAD_BYTES, storedFormat } from "./formats";
import { Thread } from "./thread";

const TIMEOUT_MS = 30_000;

class Decoder {
  private readonly thread = new Thread<Omit<DecoderRequest, "id">, DecoderReply>(
    () => new Worker(new URL("./decoder-worker.ts", import.meta.url), { type: "module", name: "decoder" }),
    TIMEOUT_MS,
    { late: "the file takes too long to decode", stopped: "the decoder stopped" },
  );

  /** Raises Error with what was expected, for what is damaged, of another kind, or takes longer than 30 seconds. */
  decode(file: Blob, frame: number): Promise<DecodedFrame> {
    return this.thread.ask({ key: fileKey(file), file, frame });
  }

  /** A frame of a file with stored values; null for another file, which is left to the browser. Raises as `decode`. */
  async stored(file: Blob, frame: number): Promise<DecodedFrame | null> {
    const format = storedFormat(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()));
    if (!format) return null;
    const decoded = this.decode(file, frame);
    // Some browsers show the TIFF of other kinds themselves.
    return format === "tiff" ? decoded.catch(() => null) : decoded;
  }

  /** Ends the thread, and with it the memory of the last file. */
  release(): void {
    this.thread.end("the file is not shown any more");
  }
}

export const decoder = new Decoder();
