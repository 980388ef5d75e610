import type { ReactiveController, ReactiveControllerHost } from "lit";
import { announce } from "../accessibility";
import { api } from "../api/client";
import { ApiProblem, ServerUnreachable } from "../api/errors";
import type { LeftOut, PinRequest, Study, StudyFile, StudyStep } from "../api/types";
import type { PendingTransaction } from "../chain/transaction-state";
import { hex } from "../bytes";
import { DicomError } from "../dicom/dicom-error";
import { prepareSlice, type NamedContent } from "../dicom/prepare";
import { read, remove, write } from "../storage";
import { describe, type Problem } from "../state/problems";
import { checkStudy, reduceStudy, type StudyEvent, type StudyFlow, type Working } from "../state/study";
import type { SourceFile } from "../state/zip";

const KEY = "scanproof.study";
/** Requests that send slices at the same time: each takes a decoder process of the server. */
const AT_ONCE = 2;
/** A connection that is cut is tried again after so many seconds, before the person is asked. */
const PAUSES_S = [1, 3, 9];

interface Stored {
  studyId: string;
  transaction: PendingTransaction | null;
}

/** Moves one study through its flow; the server does each step in parts, so that what is cut goes on. */
export class StudyController implements ReactiveController {
  flow: StudyFlow | null = null;
  /** Why the chosen files are no study. */
  refusal: Problem | null = null;
  /** What stays in the page: DICOM files without a picture, or damaged ones, which may name a person. */
  unsent: LeftOut[] = [];
  private files: SourceFile[] = [];
  private studyId = "";
  /** What the person confirmed of this study. */
  private answers: PinRequest = {};
  /** The removal of a former study. */
  private discarding: Promise<unknown> = Promise.resolve();
  /** Counts the studies: what belongs to a former one is dropped. */
  private turn = 0;

  constructor(private readonly host: ReactiveControllerHost) {
    host.addController(this);
  }

  hostConnected(): void {
    void this.restore();
  }

  async choose(files: SourceFile[]): Promise<void> {
    this.refusal = checkStudy(files);
    if (!this.refusal) {
      this.files = files;
      this.unsent = [];
      this.flow = { step: "reading", done: 0, total: files.length, study: null, problem: null };
      await this.goOn();
    }
    this.host.requestUpdate();
  }

  /** A study whose files the server has, as of a received series. One that is shown already goes on. */
  async open(studyId: string): Promise<void> {
    if (studyId === this.studyId) return;
    const turn = ++this.turn;
    this.refusal = null;
    this.files = [];
    this.unsent = [];
    this.answers = {};
    const stored = read(KEY) as Stored | null;
    try {
      const study = await patiently(() => api.study(studyId));
      if (turn !== this.turn) return;
      const transaction = stored?.studyId === studyId ? stored.transaction : null;
      const step = this.show(study, transaction);
      this.store(transaction);
      if (step === "classifying") await this.goOn();
    } catch (error) {
      if (turn !== this.turn) return;
      this.refusal = describe(error);
      this.host.requestUpdate();
    }
  }

  /** From wherever the study is. */
  async goOn(): Promise<void> {
    const turn = ++this.turn;
    try {
      const step = this.flow?.step;
      if (step === "reading" || step === "sending" || step === "lacking") await this.begin(turn);
      else if (step === "classifying") await this.classify(turn);
      else if (step === "preview" || step === "pinning") await this.pin(turn);
    } catch (error) {
      if (turn !== this.turn) return;
      this.reduce({ type: "failed", problem: describe(error) });
    }
  }

  /** The answer to a question of the server, and on with it. */
  async confirm(answer: PinRequest): Promise<void> {
    this.answers = { ...this.answers, ...answer };
    await this.goOn();
  }

  submitted(transaction: PendingTransaction): void {
    this.reduce({ type: "submitted", transaction });
    this.store(transaction);
  }

  /** Begins anew. What was received of an unfinished study is removed from the server; a record stays. */
  async restart(): Promise<void> {
    const unfinished = this.flow && this.flow.step !== "submitted" && this.flow.step !== "recorded" ? this.studyId : "";
    this.turn += 1;
    this.flow = null;
    this.refusal = null;
    this.files = [];
    this.unsent = [];
    this.studyId = "";
    this.answers = {};
    remove(KEY);
    this.host.requestUpdate();
    if (unfinished) this.discarding = api.discardStudy(unfinished).catch(() => undefined);
    await this.discarding;
  }

  reduce(event: StudyEvent): void {
    if (!this.flow) return;
    this.flow = reduceStudy(this.flow, event);
    if (this.flow.step === "recorded") remove(KEY);
    this.host.requestUpdate();
  }

  private async begin(turn: number): Promise<void> {
    const named = await this.named(turn);
    if (!named) return;
    if (named.length === 0) {
      this.refusal = checkStudy([]);
      this.flow = null;
      this.host.requestUpdate();
      return;
    }
    // The same files are the same study: what is removed must be gone before it begins again.
    await this.discarding;
    const study = await patiently(() => api.beginStudy(named));
    if (turn !== this.turn) return;
    this.studyId = study.studyId;
    this.store(null);
    await this.send(study, named, turn);
    announce("All files are received. Classifying.");
    await this.classify(turn);
  }

  /** Names, SHA-256 and sizes; null when another study was begun meanwhile. */
  private async named(turn: number): Promise<StudyFile[] | null> {
    const named: StudyFile[] = [];
    const sent: SourceFile[] = [];
    const unsent: LeftOut[] = [];
    for (const file of this.files) {
      if (turn !== this.turn) return null;
      this.working("reading", named.length, this.files.length);
      try {
        const { name, content } = await prepared(file);
        named.push({ name: name.slice(-255), sha256: await sha256(content), size: content.length });
        sent.push(file);
      } catch (error) {
        if (!(error instanceof DicomError)) throw error;
        unsent.push({ name: file.name, reason: error.message });
      }
    }
    this.unsent = [...this.unsent, ...unsent];
    this.files = sent;
    return named;
  }

  private async send(study: Study, named: StudyFile[], turn: number): Promise<void> {
    const missing = new Set(study.missing);
    const waiting = this.files.filter((_, place) => {
      const { sha256 } = named[place] ?? { sha256: "" };
      return missing.delete(sha256);
    });
    const total = study.files;
    let done = total - waiting.length;
    this.working("sending", done, total);
    const worker = async () => {
      for (let next = waiting.shift(); next && turn === this.turn; next = waiting.shift()) {
        const { content } = await prepared(next);
        await patiently(() => api.addSlice(study.studyId, content));
        done += 1;
        if (turn === this.turn) this.working("sending", done, total);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  private async classify(turn: number): Promise<void> {
    const ask = () => api.classifyStudy(this.studyId);
    await this.repeat("classifying", turn, ask, (step) => [step.classificationDone, step.classified, step.slices]);
    announce("Every slice is classified.");
  }

  private async pin(turn: number): Promise<void> {
    const ask = () => api.pinStudy(this.studyId, this.answers);
    await this.repeat("pinning", turn, ask, (step) => [step.signable, step.screened + step.pinned, step.slices + step.objects]);
    announce("Everything is pinned. You can sign now.");
  }

  private async repeat(
    name: "classifying" | "pinning",
    turn: number,
    ask: () => Promise<StudyStep>,
    read: (step: StudyStep) => [over: boolean, done: number, total: number],
  ): Promise<void> {
    const study = this.flow?.study;
    this.working(name, 0, (name === "pinning" ? study?.objects : study?.slices) ?? this.files.length);
    for (;;) {
      const [over, done, total] = read(await patiently(ask));
      if (turn !== this.turn) return;
      this.working(name, done, total);
      if (over) break;
    }
    const loaded = await patiently(() => api.study(this.studyId));
    if (turn === this.turn) this.reduce({ type: "loaded", study: loaded });
  }

  private working(step: Working, done: number, total: number): void {
    this.reduce({ type: "working", step, done, total });
  }

  private store(transaction: PendingTransaction | null): void {
    const stored: Stored = { studyId: this.studyId, transaction };
    write(KEY, stored);
  }

  /** The study of before a reload, if the server still has it. */
  private async restore(): Promise<void> {
    const stored = read(KEY) as Stored | null;
    if (!(stored instanceof Object) || typeof stored.studyId !== "string" || this.flow) return;
    try {
      const study = await api.study(stored.studyId);
      // The person was faster.
      if (this.turn > 0) return;
      if (this.show(study, stored.transaction) === "classifying") await this.goOn();
    } catch (error) {
      if (error instanceof ApiProblem) remove(KEY);
    }
  }

  /** Shows a study at the step that it has on the server, which is returned. */
  private show(study: Study, transaction: PendingTransaction | null): StudyFlow["step"] {
    this.studyId = study.studyId;
    this.flow = reduceStudy({ step: "lacking", study }, { type: "loaded", study });
    if (transaction && study.signable) this.flow = { step: "submitted", study, transaction };
    this.host.requestUpdate();
    return this.flow.step;
  }
}

/** A file as it leaves the page. Done twice instead of kept: a study may be larger than the memory. */
async function prepared({ name, bytes }: SourceFile): Promise<NamedContent> {
  return prepareSlice({ name, content: await bytes() });
}

/** Again after a pause where the connection was cut or the server is busy or limits the rate. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (const pause of PAUSES_S) {
    try {
      return await ask();
    } catch (error) {
      const busy = error instanceof ApiProblem && (error.status === 429 || error.status === 503);
      if (!busy && !(error instanceof ServerUnreachable)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000 * ((busy ? error.retryAfter : null) ?? pause)));
    }
  }
  return ask();
}

async function sha256(content: Uint8Array<ArrayBuffer>): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", content)));
}
