import type { ReactiveControllerHost } from "lit";
import { describe, type Problem } from "../state/problems";

/** Loads one value, identified by a key. A late answer for a former key is ignored. */
export class LoadController<T> {
  value: T | null = null;
  problem: Problem | null = null;
  private key: string | null = null;
  private load: () => Promise<T> = () => Promise.reject(new Error("nothing was asked for"));

  constructor(private readonly host: Pick<ReactiveControllerHost, "requestUpdate">) {}

  /** Loads the value of `key`, unless it is the current one. */
  show(key: string, load: () => Promise<T>): void {
    if (key === this.key) return;
    this.key = key;
    this.load = load;
    void this.retry();
  }

  /** Shows nothing. */
  clear(): void {
    if (this.key === null) return;
    this.key = null;
    void this.retry();
  }

  async retry(): Promise<void> {
    const { key } = this;
    this.value = null;
    this.problem = null;
    this.host.requestUpdate();
    if (key === null) return;
    try {
      const value = await this.load();
      if (key === this.key) this.value = value;
    } catch (error) {
      if (key === this.key) this.problem = describe(error);
    }
    this.host.requestUpdate();
  }
}
