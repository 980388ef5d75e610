/** The page's side of the decoder. */

import type { DecodedFrame, DecoderReply, DecoderRequest } from "./decoder-messages";
import { fileKey } from "./file-keys";

const TIMEOUT_MS = 30_000;

interface Waiting {
  resolve: (frame: DecodedFrame) => void;
  reject: (error: Error) => void;
  timer: number;
}

/** One thread for all files; it is ended when a file takes too long, and started again for the next one. */
class Decoder {
  private worker: Worker | null = null;
  private readonly waiting = new Map<number, Waiting>();
  private requests = 0;

  /** Raises Error with what was expected, for what is damaged, of another kind, or takes longer than 30 seconds. */
  decode(file: Blob, frame: number): Promise<DecodedFrame> {
    const request: DecoderRequest = { id: ++this.requests, key: fileKey(file), file, frame };
    return new Promise((resolve, reject) => {
      const timer = window.setTimeout(() => this.end("the file takes too long to decode"), TIMEOUT_MS);
      this.waiting.set(request.id, { resolve, reject, timer });
      this.worker ??= this.start();
      this.worker.postMessage(request);
    });
  }

  /** Ends the thread, and with it the memory of the last file. */
  release(): void {
    this.end("the file is not shown any more");
  }

  private start(): Worker {
    const worker = new Worker(new URL("./decoder-worker.ts", import.meta.url), { type: "module", name: "decoder" });
    worker.onmessage = ({ data }: MessageEvent<DecoderReply>) => this.settle(data);
    worker.onerror = () => this.end("the decoder stopped");
    return worker;
  }

  private settle(reply: DecoderReply): void {
    const waiting = this.waiting.get(reply.id);
    if (!waiting) return;
    this.waiting.delete(reply.id);
    window.clearTimeout(waiting.timer);
    if ("problem" in reply) waiting.reject(new Error(reply.problem));
    else waiting.resolve(reply);
  }

  private end(reason: string): void {
    this.worker?.terminate();
    this.worker = null;
    for (const { reject, timer } of this.waiting.values()) {
      window.clearTimeout(timer);
      reject(new Error(reason));
    }
    this.waiting.clear();
  }
}

export const decoder = new Decoder();
