/** The page's side of the thread that classifies. */

import { decoder } from "../imaging/decoder";
import { HEAD_BYTES, storedFormat } from "../imaging/formats";
import type { Report } from "./bundle";
import type { DeviceAnswer, InferenceReply, InferenceRequest, Offered } from "./inference-messages";
import type { DeviceOutline } from "./outline";

/** Without any sign of the thread. */
const TIMEOUT_MS = 60_000;

interface Waiting {
  resolve: (reply: InferenceReply) => void;
  reject: (error: Error) => void;
  report: Report;
  timer: number;
}

/** One thread, started at the first image; it is ended when it takes too long, and started again for the next one. */
class Device {
  private worker: Worker | null = null;
  private readonly waiting = new Map<number, Waiting>();
  private requests = 0;

  /** Raises Error, whose message is for people. */
  async classify(file: Blob, models: Offered[], report: Report): Promise<DeviceAnswer> {
    const reply = await this.ask(file, { models, outlined: null }, report);
    if ("answer" in reply) return reply.answer;
    throw new Error("the thread answered something else");
  }

  /** Where a tumour is, for an answer of that modality; null without a model for it. Raises as `classify`. */
  async outline(file: Blob, models: Offered[], modality: string, report: Report): Promise<DeviceOutline | null> {
    const reply = await this.ask(file, { models, outlined: modality }, report);
    return "outline" in reply ? reply.outline : null;
  }

  private async ask(file: Blob, wish: Pick<InferenceRequest, "models" | "outlined">, report: Report): Promise<InferenceReply> {
    const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
    const image = storedFormat(head) ? (await decoder.decode(file, 0)).raster : file;
    const request: InferenceRequest = { id: ++this.requests, image, ...wish };
    return new Promise((resolve, reject) => {
      this.waiting.set(request.id, { resolve, reject, report, timer: this.limit() });
      this.worker ??= this.start();
      this.worker.postMessage(request, image instanceof Blob ? [] : [image.values.buffer]);
    });
  }

  /** Ends the thread, with what it does and has loaded. */
  stop(reason: string): void {
    this.worker?.terminate();
    this.worker = null;
    for (const { reject, timer } of this.waiting.values()) {
      window.clearTimeout(timer);
      reject(new Error(reason));
    }
    this.waiting.clear();
  }

  private start(): Worker {
    const worker = new Worker(new URL("./inference-worker.ts", import.meta.url), { type: "module", name: "inference" });
    worker.onmessage = ({ data }: MessageEvent<InferenceReply>) => this.settle(data);
    worker.onerror = () => this.stop("Classifying on this device stopped. Close other pages to free memory, then try again.");
    return worker;
  }

  private settle(reply: InferenceReply): void {
    const waiting = this.waiting.get(reply.id);
    if (!waiting) return;
    window.clearTimeout(waiting.timer);
    if ("progress" in reply) {
      waiting.timer = this.limit();
      waiting.report(reply.progress);
      return;
    }
    this.waiting.delete(reply.id);
    if ("problem" in reply) waiting.reject(new Error(reply.problem));
    else waiting.resolve(reply);
  }

  private limit(): number {
    return window.setTimeout(() => this.stop("Classifying on this device takes too long. Try again, or let the server classify the image."), TIMEOUT_MS);
  }
}

export const device = new Device();
