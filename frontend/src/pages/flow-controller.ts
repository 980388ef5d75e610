import type { ReactiveController, ReactiveControllerHost } from "lit";
import { announce } from "../accessibility";
import { api } from "../api/client";
import type { Config, Image, Limits } from "../api/types";
import { questionOf, upload, type Answers, type Upload } from "../api/upload";
import type { PendingTransaction } from "../chain/transaction-state";
import type { Report } from "../dicom/deidentify";
import { hasFrames, prepare } from "../dicom/prepare";
import { short } from "../format";
import { isSlideFile, prepareSlide } from "../slides/prepare";
import { Drafts, type Draft } from "../state/drafts";
import { checkFile } from "../state/files";
import { reduceFlow, resultOf, START, type Flow, type FlowEvent, type Pinned } from "../state/flow";
import { describe } from "../state/problems";
import { isRecorded, type TrackedState } from "../chain/transaction-state";
import { BackgroundTransactions } from "./background-transactions";

type FileRead = Omit<Extract<FlowEvent, { type: "file-chosen" }>, "type">;

/** Moves one image through the flow, calls the server, and stores what must survive a reload. */
export class FlowController implements ReactiveController {
  flow: Flow = START;
  /** The chosen file, until it is known what it is. */
  reading: File | null = null;
  /** Drafts that no tab shows: of closed tabs, and of this one while its transaction continues in the background. */
  abandoned: Draft[] = [];
  /** What was removed of the last file that was pinned, until the page is reloaded. */
  private removed: { cid: string; report: Report } | null = null;
  readonly background = new BackgroundTransactions(api, (draft, state) => this.progressed(draft, state));
  private readonly drafts = new Drafts();
  private upload: Upload | null = null;

  constructor(private readonly host: ReactiveControllerHost & { config: Config }) {
    host.addController(this);
  }

  hostConnected(): void {
    void this.restore();
  }

  /** A DICOM file or a slide loses its identifiers here: the server never gets them. */
  async choose(file: File, limits: Limits): Promise<void> {
    this.reading = file;
    this.host.requestUpdate();
    const event = await this.read(file, limits);
    // Another file was chosen since.
    if (this.reading !== file) return;
    this.reading = null;
    this.reduce({ type: "file-chosen", ...event });
    if (event.removed) announce("The file's identifiers are removed. Nothing has left this page yet.");
  }

  private async read(file: File, limits: Limits): Promise<FileRead> {
    try {
      if (await hasFrames(file)) return { file, series: true, problem: null };
      if (await isSlideFile(file, limits)) return { ...(await prepareSlide(file, limits.maxSlideBytes)), problem: null };
      const problem = checkFile(file, limits);
      return problem ? { file, problem } : { ...(await prepare(file)), problem };
    } catch (error) {
      return { file, problem: describe(error) };
    }
  }

  /** An image that is pinned already, as of a received series. Unfinished work with another one is kept. */
  async open(cid: string): Promise<void> {
    if ("image" in this.flow && this.flow.image.cid === cid) return;
    try {
      const image = await api.image(cid);
      await this.drafts.leave();
      this.reduce({ type: "resumed", flow: { step: "classifying", image, sealed: false, problem: null } });
    } catch (error) {
      this.reduce({ type: "restarted" });
      this.flow = { step: "choose", problem: describe(error) };
      this.host.requestUpdate();
      return;
    }
    await this.listAbandoned();
    await this.classify();
  }

  /** `answers` are to the question that the page shows. */
  async start(answers: Answers = {}): Promise<void> {
    if (this.flow.step !== "chosen") return;
    const { file, removed: report, levels } = this.flow;
    this.reduce({ type: "upload-started", answers });
    const given = { ...this.flow.answers, ...answers };
    this.upload = upload(levels ? "/slides" : "/images", file, given, (sent) => this.reduce({ type: "upload-progressed", sent }));
    try {
      const image = await this.upload.done;
      this.removed = report ? { cid: image.cid, report } : null;
      this.reduce({ type: "pinned", image });
    } catch (error) {
      const question = questionOf(error);
      if (question) {
        this.reduce({ type: "upload-questioned", question });
        announce("The server asks before it pins this image.");
        return;
      }
      const cancelled = error instanceof DOMException && error.name === "AbortError";
      this.reduce({ type: "upload-failed", problem: cancelled ? null : describe(error) });
      return;
    }
    announce("The image is pinned. Classifying.");
    await this.classify();
  }

  /** What this page removed of a pinned image, if it knows. */
  removedOf({ cid }: Image): Report | null {
    return this.removed?.cid === cid ? this.removed.report : null;
  }

  cancel(): void {
    this.upload?.cancel();
  }

  async classify(): Promise<void> {
    if (this.flow.step !== "classifying") return;
    const { image, sealed } = this.flow;
    this.reduce({ type: "classification-started" });
    try {
      this.reduce({ type: "classified", classification: await api.classify(image.cid, null, sealed) });
    } catch (error) {
      this.reduce({ type: "classification-failed", problem: describe(error) });
    }
  }

  /** Classifies again, because a sealed and a public result have different manifests. */
  async seal(sealed: boolean): Promise<void> {
    this.reduce({ type: "sealing-chosen", sealed });
    await this.classify();
  }

  /** `work` is what was signed: when the wallet answers, the page may show another image. */
  submitted(work: Pinned, transaction: PendingTransaction): void {
    const before = this.flow;
    this.reduce({ type: "submitted", transaction });
    if (this.flow !== before) return;
    this.drafts.keep({ step: "submitted", ...work, transaction });
    void this.listAbandoned();
  }

  /** Begins with another image. A submitted transaction continues, and its work is kept. */
  async restart(): Promise<void> {
    const over = this.flow.step === "submitted" ? this.drafts.leave() : this.drafts.finish();
    this.reduce({ type: "restarted" });
    await over;
    await this.listAbandoned();
  }

  async resume(id: string): Promise<void> {
    const draft = await this.drafts.take(id);
    if (draft) this.continue(draft);
    await this.listAbandoned();
  }

  discard(id: string): void {
    this.drafts.discard(id);
    this.abandoned = this.abandoned.filter((draft) => draft.id !== id);
    void this.listAbandoned();
  }

  reduce(event: FlowEvent): void {
    this.flow = reduceFlow(this.flow, event);
    this.drafts.save(this.flow);
    this.host.requestUpdate();
  }

  private async restore(): Promise<void> {
    const draft = await this.drafts.restore();
    if (draft && this.flow === START) this.continue(draft);
    else if (draft) await this.drafts.leave();
    await this.listAbandoned();
  }

  private continue({ flow }: Draft): void {
    this.reduce({ type: "resumed", flow });
    void this.classify();
    void this.fetchMap();
  }

  /** The activation map of a stored result. Requesting the map of a sealed result would make the result public. */
  private async fetchMap(): Promise<void> {
    const result = resultOf(this.flow);
    if (!result || result.sealed) return;
    try {
      this.reduce({ type: "map-fetched", classification: await api.classify(result.cid, result.model.name) });
    } catch {
      // The map is optional: without it, the result is still complete.
    }
  }

  private progressed({ id, flow }: Draft, state: TrackedState): void {
    if (isRecorded(state)) {
      this.drafts.discard(id);
      announce(`The record of the image ${short(flow.image.cid)} is on the chain.`);
    }
    this.host.requestUpdate();
  }

  /** Drafts that were recorded in the background stay in the list until the person leaves the page. */
  private async listAbandoned(): Promise<void> {
    const kept = await this.drafts.abandoned();
    const recorded = this.abandoned.filter(({ id }) => {
      const state = this.background.states.get(id);
      return state && isRecorded(state) && !kept.some((draft) => draft.id === id);
    });
    this.abandoned = [...kept, ...recorded];
    this.background.follow(this.abandoned, this.host.config.chain);
    this.host.requestUpdate();
  }
}
