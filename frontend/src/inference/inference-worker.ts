/** Classifies files in a thread of its own: the page stays quick, and its policy allows no WebAssembly. */

import { FileRefused, type Report } from "./bundle";
import { Classifier } from "./classify";
import { OnServerOnly } from "./decoding";
import type { InferenceReply, InferenceRequest } from "./inference-messages";

const classifier = new Classifier();
const NO_MEMORY = /memory|allocat/i;

function problemText(error: unknown): string {
  if (error instanceof OnServerOnly || error instanceof FileRefused) return error.message;
  if (typeof WebAssembly === "undefined") return "This browser has no WebAssembly, which classifying on this device needs.";
  const { message } = error instanceof Error ? error : new Error(String(error));
  if (NO_MEMORY.test(message)) return "This device has not enough free memory to classify the image. Close other pages, then try again.";
  return `This device could not classify the image: ${message}.`;
}

function reply(answer: InferenceReply, transfer: Transferable[] = []): void {
  self.postMessage(answer, { transfer });
}

self.onmessage = ({ data: { id, image, models, outlined } }: MessageEvent<InferenceRequest>) => {
  const report: Report = (progress) => reply({ id, progress });
  const replied =
    outlined === null
      ? classifier.classify(image, models, report).then((answer) => reply({ id, answer }, answer.overlay ? [answer.overlay.data.buffer] : []))
      : classifier.outline(image, models, outlined, report).then((outline) => reply({ id, outline }));
  replied.catch((error: unknown) => reply({ id, problem: problemText(error) }));
};
