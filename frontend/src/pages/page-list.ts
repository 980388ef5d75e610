import type { ReactiveControllerHost } from "lit";
import { announce } from "../accessibility";
import type { IndexStatus } from "../api/types";
import { describe, type Problem } from "../state/problems";

/** One page of a list, and the cursor of the next. */
export interface Page<Item> {
  items: Item[];
  next: string | null;
  index: IndexStatus;
}

export type FetchPage<Item> = (cursor: string | null) => Promise<Page<Item>>;

/** Loads a list page by page. Answers for an older list are ignored. */
export class PageList<Item> {
  items: Item[] = [];
  next: string | null = null;
  index: IndexStatus | null = null;
  loading = false;
  problem: Problem | null = null;
  private fetch: FetchPage<Item> = () => Promise.reject(new Error("nothing was asked for"));
  private asked = 0;

  /** `noun` names one item, in an announcement. */
  constructor(
    private readonly host: Pick<ReactiveControllerHost, "requestUpdate">,
    private readonly noun: string,
  ) {}

  async load(fetch: FetchPage<Item>): Promise<void> {
    this.fetch = fetch;
    this.items = [];
    this.next = null;
    this.index = null;
    await this.more();
    if (!this.problem) announce(this.items.length === 1 ? `1 ${this.noun}` : `${this.items.length} ${this.noun}s`);
  }

  async more(): Promise<void> {
    const asked = ++this.asked;
    this.loading = true;
    this.problem = null;
    this.host.requestUpdate();
    try {
      const page = await this.fetch(this.next);
      if (asked !== this.asked) return;
      this.items = [...this.items, ...page.items];
      this.next = page.next;
      this.index = page.index;
    } catch (error) {
      if (asked !== this.asked) return;
      this.problem = describe(error);
    }
    this.loading = false;
    this.host.requestUpdate();
  }
}
