import type { ReactiveController, ReactiveControllerHost } from "lit";
import { announce } from "../accessibility";
import { api } from "../api/client";
import { ApiProblem } from "../api/errors";
import type { ImageRecord } from "../api/types";
import { describe, type Problem } from "../state/problems";

/** A withdrawal must be seen on a page that is open, too. */
const REFRESH_MS = 10_000;

/** Loads one record, and looks again and again for what others did meanwhile. */
export class RecordController implements ReactiveController {
  record: ImageRecord | null = null;
  problem: Problem | null = null;
  missing = false;
  /** Counts the changes that were seen: the checks then run again. */
  changes = 0;
  private imageId = "";
  private timer = 0;

  constructor(private readonly host: ReactiveControllerHost) {
    host.addController(this);
  }

  hostConnected(): void {
    this.timer = window.setInterval(() => void this.refresh(), REFRESH_MS);
  }

  hostDisconnected(): void {
    window.clearInterval(this.timer);
  }

  show(imageId: string): void {
    this.imageId = imageId;
    this.record = null;
    void this.load();
  }

  async load(): Promise<void> {
    const { imageId } = this;
    this.problem = null;
    this.missing = false;
    this.host.requestUpdate();
    try {
      const record = await api.record(imageId);
      if (imageId === this.imageId) this.record = record;
    } catch (error) {
      if (imageId !== this.imageId) return;
      // An id that is no id at all is refused as invalid; for the person there is no such record either way.
      this.missing = error instanceof ApiProblem && (error.status === 404 || error.status === 400);
      if (!this.missing) this.problem = describe(error);
    }
    this.host.requestUpdate();
  }

  /** Without an answer, what is shown stays. */
  async refresh(): Promise<void> {
    const shown = this.record;
    if (!shown || document.visibilityState === "hidden") return;
    const record = await api.record(shown.imageId).catch(() => shown);
    if (this.record !== shown || JSON.stringify(record) === JSON.stringify(shown)) return;
    this.record = record;
    this.changes += 1;
    announce("The record has changed: what is shown is new.");
    this.host.requestUpdate();
  }
}
