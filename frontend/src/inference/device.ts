/** The page's side of the thread that classifies. */

import { decoder } from "../imaging/decoder";
import { Thread } from "../imaging/thread";
import type { Report } from "./bundle";
import type { DeviceAnswer, InferenceReply, InferenceRequest, Offered } from "./inference-messages";
import type { DeviceOutline } from "./outline";

const TIMEOUT_MS = 60_000;
const LATE = "Classifying on this device takes too long. Try again, or let the server classify the image.";
const STOPPED = "Classifying on this device stopped. Close other pages to free memory, then try again.";

class Device {
  private readonly thread = new Thread<Omit<InferenceRequest, "id">, InferenceReply>(
    () => new Worker(new URL("./inference-worker.ts", import.meta.url), { type: "module", name: "inference" }),
    TIMEOUT_MS,
    { late: LATE, stopped: STOPPED },
  );

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

  /** Ends the thread, with what it does and has loaded. */
  stop(reason: string): void {
    this.thread.end(reason);
  }

  private async ask(file: Blob, wish: Pick<InferenceRequest, "models" | "outlined">, report: Report) {
    const image = (await decoder.stored(file, 0))?.raster ?? file;
    return this.thread.ask(
      { image, ...wish },
      {
        transfer: image instanceof Blob ? [] : [image.values.buffer],
        isSign: (reply) => {
          if (!("progress" in reply)) return false;
          report(reply.progress);
          return true;
        },
      },
    );
  }
}

export const device = new Device();
