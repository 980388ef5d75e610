/** Classifies files in a thread of its own: the page stays quick, and its policy allows no WebAssembly. */

import { FileRefused } from "./bundle";
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

self.onmessage = ({ data: { id, image, models } }: MessageEvent<InferenceRequest>) => {
  classifier.classify(image, models, (progress) => reply({ id, progress })).then(
    (answer) => reply({ id, answer }, answer.overlay ? [answer.overlay.data.buffer] : []),
    (error: unknown) => reply({ id, problem: problemText(error) }),
  );
};
