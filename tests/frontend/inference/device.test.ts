import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { device } from "../../../frontend/src/inference/device";
import type { DeviceAnswer, InferenceReply, InferenceRequest } from "../../../frontend/src/inference/inference-messages";

class Thread {
  static started: Thread[] = [];
  onmessage: ((event: { data: InferenceReply }) => void) | null = null;
  onerror: (() => void) | null = null;
  asked: InferenceRequest[] = [];
  ended = false;

  constructor() {
    Thread.started.push(this);
  }
  postMessage(request: InferenceRequest): void {
    this.asked.push(request);
  }
  terminate(): void {
    this.ended = true;
  }
}

const FILE = new Blob(["an image"]);
const ANSWER = { label: "glioma" } as DeviceAnswer;
const nothing = () => undefined;

beforeEach(() => {
  Thread.started = [];
  vi.useFakeTimers();
  vi.stubGlobal("Worker", Thread);
  vi.stubGlobal("window", globalThis);
});

afterEach(() => {
  device.stop("the test is over");
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const requests = () => Thread.started.flatMap(({ asked }) => asked).length;

/** A request that the thread has got. */
async function asked(report: (progress: unknown) => void = nothing) {
  const before = requests();
  const answer = device.classify(FILE, [], report);
  answer.catch(nothing);
  await vi.waitFor(() => expect(requests()).toBe(before + 1));
  const thread = Thread.started.at(-1)!;
  const { id } = thread.asked.at(-1)!;
  return { answer, thread, reply: (data: object) => thread.onmessage?.({ data: { id, ...data } as InferenceReply }) };
}

it("a thread answers images in turn, and reports", async () => {
  const progress = { what: "the model", received: 1, total: 2 };
  const report = vi.fn();
  const first = await asked(report);
  first.reply({ progress });
  first.reply({ answer: ANSWER });
  const second = await asked();
  second.reply({ answer: ANSWER });

  expect(await Promise.all([first.answer, second.answer])).toEqual([ANSWER, ANSWER]);
  expect(report).toHaveBeenCalledWith(progress);
  expect(Thread.started).toHaveLength(1);
  first.reply({ answer: ANSWER }); // An answer to nothing is not heard.
});

it("a problem is an error with its sentence", async () => {
  const { answer, reply } = await asked();
  reply({ problem: "The server can classify it." });
  await expect(answer).rejects.toThrow("The server can classify it.");
});

it("a thread that dies, or is silent for a minute, is ended and started anew", async () => {
  const first = await asked();
  first.thread.onerror?.();
  await expect(first.answer).rejects.toThrow("free memory");
  const second = await asked();
  vi.advanceTimersByTime(59_000);
  second.reply({ progress: { what: "the model", received: 1, total: 2 } });
  vi.advanceTimersByTime(59_000);
  expect(second.thread.ended).toBe(false);
  vi.advanceTimersByTime(1_000);

  await expect(second.answer).rejects.toThrow("takes too long");
  expect(Thread.started.map(({ ended }) => ended)).toEqual([true, true]);
});
