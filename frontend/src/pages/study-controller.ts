import type { ReactiveController, ReactiveControllerHost } from "lit";
import { announce } from "../accessibility";
import { api } from "../api/client";
import { ApiProblem, ServerUnreachable } from "../api/errors";
import type { Config, LeftOut, Limits, PinRequest, Study, StudyFile, StudyStep } from "../api/types";
import { hex, sha256 } from "../bytes";
import type { PendingTransaction } from "../chain/transaction-state";
import { DicomError } from "../dicom/dicom-error";
import type { Originals } from "../dicom/identity-map";
import { NoImage, prepareSlices, type Place } from "../dicom/prepare";
import { isSlideFile } from "../slides/prepare";
import { read, remove, write } from "../storage";
import { describe, type Problem } from "../state/problems";
import { checkSlices, checkStudy, MAX_SLICES, reduceStudy, type StudyEvent, type StudyFlow, type Working } from "../state/study";
import { isDirectory, listedBy, originalsOf, ownNames, patientsOf, withoutCopied, type ReadFile } from "../state/study-files";
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
  /** What stays in the page: files that are no image or damaged, copies, and those of other patients. */
  unsent: LeftOut[] = [];
  /** The names of the files by those under which they left the page, until it is reloaded. */
  names = new Map<string, string>();
  private sources: SourceFile[] = [];
  private files: ReadFile[] = [];
  private studyId = "";
  /** Whether the person was asked about the map of these files. */
  private mapOffered = false;
  /** What the person confirmed of this study. */
  private answers: PinRequest = {};
  /** The removal of a former study. */
  private discarding: Promise<unknown> = Promise.resolve();
  /** Counts the studies: what belongs to a former one is dropped. */
  private turn = 0;

  constructor(private readonly host: ReactiveControllerHost & { config: Pick<Config, "limits"> }) {
    host.addController(this);
  }

  hostConnected(): void {
    void this.restore();
  }

  async choose(files: SourceFile[]): Promise<void> {
    this.refusal = checkStudy(files);
    if (!this.refusal) {
      this.sources = files;
      this.files = [];
      this.mapOffered = false;
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
      if (step === "reading" || step === "originals" || step === "sending" || step === "lacking") await this.begin(turn);
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
    this.sources = [];
    this.files = [];
    this.names = new Map();
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

  /** On with the files of one patient. */
  async choosePatient(pseudonym: string): Promise<void> {
    if (this.flow?.step !== "patients") return;
    const others = this.files.filter(({ place }) => place && place.patient !== pseudonym);
    this.files = this.files.filter((file) => !others.includes(file));
    this.unsent = [...this.unsent, ...others.map(({ source }) => ({ name: source.name, reason: "of another patient" }))];
    this.working("reading", this.files.length, this.files.length);
    await this.goOn();
  }

  private async begin(turn: number): Promise<void> {
    if (this.files.length === 0 && !(await this.read(turn))) return;
    this.refusal = checkSlices(this.slices.length, this.unsent);
    if (this.refusal) {
      this.flow = null;
      this.host.requestUpdate();
      return;
    }
    const patients = patientsOf(this.files);
    if (patients.length > 1) {
      this.reduce({ type: "patients", patients });
      announce(`These files are of ${patients.length} patients. Choose one.`);
      return;
    }
    if (this.originals.length > 0 && !this.mapOffered) {
      this.mapOffered = true;
      this.reduce({ type: "originals" });
      announce("The identifiers are removed. Nothing has left this page yet.");
      return;
    }
    // The same files are the same study: what is removed must be gone before it begins again.
    await this.discarding;
    const study = await patiently(() => api.beginStudy(this.slices));
    if (turn !== this.turn) return;
    this.studyId = study.studyId;
    this.names = ownNames(this.files);
    this.store(null);
    await this.send(study, turn);
    announce("All files are received. Classifying.");
    await this.classify(turn);
  }

  /** What the sender's map has of the files that go on. */
  get originals(): Originals[] {
    return originalsOf(this.files);
  }

  private get slices(): StudyFile[] {
    return this.files.flatMap(({ slices }) => slices);
  }

  /** Names, SHA-256 and sizes of all slices; false when another study was begun meanwhile. */
  private async read(turn: number): Promise<boolean> {
    const files: ReadFile[] = [];
    const unsent: LeftOut[] = [];
    for (const [place, source] of this.sources.entries()) {
      if (turn !== this.turn) return false;
      this.working("reading", place, this.sources.length);
      try {
        if (isDirectory(source.name)) {
          const { referencedFiles } = await import("../dicom/directory");
          const names = this.sources.map(({ name }) => name);
          unsent.push(...listedBy(source.name, await referencedFiles(await source.bytes()), names));
          continue;
        }
        files.push(await readFile(source, place + 1, this.host.config.limits));
      } catch (error) {
        if (!(error instanceof DicomError) && !(error instanceof NoImage)) throw error;
        unsent.push({ name: source.name, reason: error.message });
      }
      if (files.reduce((sum, { slices }) => sum + slices.length, 0) > MAX_SLICES) break;
    }
    const found = withoutCopied(files);
    this.files = found.files;
    this.unsent = [...unsent, ...found.leftOut];
    return turn === this.turn;
  }

  private async send(study: Study, turn: number): Promise<void> {
    const missing = new Set(study.missing);
    const total = study.files;
    let done = total - missing.size;
    this.working("sending", done, total);
    const waiting = contents(this.files, missing);
    const worker = async () => {
      while (turn === this.turn) {
        const { value } = await waiting.next();
        if (!value) return;
        await patiently(() => api.addSlice(study.studyId, value));
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
    this.working(name, 0, (name === "pinning" ? study?.objects : study?.slices) ?? this.slices.length);
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

async function readFile(source: SourceFile, number: number, limits: Limits): Promise<ReadFile> {
  const content = await source.bytes();
  if (await isSlideFile(new Blob([content]), limits)) {
    throw new NoImage("This is a whole slide, which is recorded alone: choose it by itself. It stays on this computer.");
  }
  const prepared = await prepareSlices(content, number);
  const slices: StudyFile[] = [];
  for await (const { name, content } of prepared.slices()) slices.push({ name, sha256: hex(await sha256(content)), size: content.length });
  const { place, identity } = prepared;
  return { source, number, place: place && placeOf(place), identity, slices };
}

/** Without the file itself: only one file at a time is in memory. */
function placeOf({ patient, series, description, likeness, unchanged }: Place): Place {
  return { patient, series, description, likeness, unchanged };
}

/** The slices that are missing, as they leave the page. Made twice instead of kept: a study may be larger than the memory. */
async function* contents(files: ReadFile[], missing: Set<string>): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  for (const { source, number, slices } of files) {
    if (!slices.some(({ sha256 }) => missing.has(sha256))) continue;
    const prepared = await prepareSlices(await source.bytes(), number);
    let place = 0;
    for await (const { content } of prepared.slices()) {
      if (missing.delete(slices[place]?.sha256 ?? "")) yield content;
      place += 1;
    }
  }
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
