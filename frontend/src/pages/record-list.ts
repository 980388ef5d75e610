import type { ReactiveController, ReactiveControllerHost } from "lit";
import { announce } from "../announce";
import { api } from "../api/client";
import type { ImageRecord, RecordPage } from "../api/types";
import { describe, type Problem } from "../state/problems";

/** Loads records page by page. Answers to an older search are thrown away. */
export class RecordList implements ReactiveController {
  records: ImageRecord[] = [];
  next: string | null = null;
  index: RecordPage["index"] | null = null;
  loading = false;
  problem: Problem | null = null;
  private query = "";
  private search = 0;

  constructor(
    private readonly host: ReactiveControllerHost,
    private readonly limit: number,
  ) {
    host.addController(this);
  }

  hostConnected(): void {}

  async load(query: string): Promise<void> {
    this.query = query;
    this.records = [];
    this.next = null;
    this.index = null;
    await this.more();
    if (!this.problem) announce(this.records.length === 1 ? "1 record" : `${this.records.length} records`);
  }

  async more(): Promise<void> {
    const search = ++this.search;
    this.loading = true;
    this.problem = null;
    this.host.requestUpdate();
    try {
      const page = await api.records(this.query, this.next, this.limit);
      if (search !== this.search) return;
      this.records = [...this.records, ...page.records];
      this.next = page.next;
      this.index = page.index;
    } catch (error) {
      if (search !== this.search) return;
      this.problem = describe(error);
    }
    this.loading = false;
    this.host.requestUpdate();
  }
}
