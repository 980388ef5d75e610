import type { ReactiveController, ReactiveControllerHost } from "lit";
import { announce } from "../announce";
import { api } from "../api/client";
import type { Limits } from "../api/types";
import { upload, type Upload } from "../api/upload";
import { Drafts, type Draft } from "../state/drafts";
import { checkFile } from "../state/files";
import { reduceFlow, START, type Flow, type FlowEvent } from "../state/flow";
import { describe } from "../state/problems";

/** Moves one image through the flow, talks to the server for it, and keeps what must outlive a reload. */
export class FlowController implements ReactiveController {
  flow: Flow = START;
  abandoned: Draft[] = [];
  private readonly drafts = new Drafts();
  private upload: Upload | null = null;

  constructor(private readonly host: ReactiveControllerHost) {
    host.addController(this);
  }

  hostConnected(): void {
    void this.restore();
  }

  choose(file: File, limits: Limits): void {
    this.reduce({ type: "file-chosen", file, problem: checkFile(file, limits) });
  }

  async start(): Promise<void> {
    if (this.flow.step !== "chosen") return;
    const { file } = this.flow;
    this.reduce({ type: "upload-started" });
    this.upload = upload(file, (sent) => this.reduce({ type: "upload-progressed", sent }));
    try {
      this.reduce({ type: "pinned", image: await this.upload.done });
    } catch (error) {
      const cancelled = error instanceof DOMException && error.name === "AbortError";
      this.reduce({ type: "upload-failed", problem: cancelled ? null : describe(error) });
      return;
    }
    announce("The image is pinned. Classifying.");
    await this.classify();
  }

  cancel(): void {
    this.upload?.cancel();
  }

  async classify(): Promise<void> {
    if (this.flow.step !== "classifying") return;
    const { image } = this.flow;
    this.reduce({ type: "classification-started" });
    try {
      this.reduce({ type: "classified", classification: await api.classify(image.cid) });
    } catch (error) {
      this.reduce({ type: "classification-failed", problem: describe(error) });
    }
  }

  restart(): void {
    this.drafts.finish();
    this.reduce({ type: "restarted" });
    void this.listAbandoned();
  }

  async resume(id: string): Promise<void> {
    const draft = await this.drafts.take(id);
    if (draft) this.continue(draft);
    else await this.listAbandoned();
  }

  discard(id: string): void {
    this.drafts.discard(id);
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
    else await this.listAbandoned();
  }

  private continue({ flow }: Draft): void {
    this.reduce({ type: "resumed", flow });
    void this.classify();
  }

  private async listAbandoned(): Promise<void> {
    this.abandoned = await this.drafts.abandoned();
    this.host.requestUpdate();
  }
}
