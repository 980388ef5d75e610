/** The page's side of a thread that answers requests by their numbers. */

interface Waiting<Reply> {
  resolve: (reply: Exclude<Reply, { problem: string }>) => void;
  reject: (error: Error) => void;
  isSign: (reply: Reply) => boolean;
  timer: number;
}

/** It is started for the first request, ended when one takes too long, and started again for the next one. */
export class Thread<Request extends object, Reply extends { id: number }> {
  private worker: Worker | null = null;
  private readonly waiting = new Map<number, Waiting<Reply>>();
  private requests = 0;

  /** `timeoutMs` is how long it may give no sign of a request; `said` is why it was ended then, or stopped itself. */
  constructor(
    private readonly start: () => Worker,
    private readonly timeoutMs: number,
    private readonly said: { late: string; stopped: string },
  ) {}

  /** A reply for which `isSign` says true is no answer yet. Raises Error with the problem that the thread tells, or with
   * why it was ended. */
  ask(
    request: Request,
    { transfer = [], isSign = () => false }: { transfer?: Transferable[]; isSign?: (reply: Reply) => boolean } = {},
  ): Promise<Exclude<Reply, { problem: string }>> {
    const id = ++this.requests;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, isSign, timer: this.limit() });
      this.worker ??= this.started();
      this.worker.postMessage({ ...request, id }, transfer);
    });
  }

  /** Ends the thread, with what it does and what is in its memory. */
  end(reason: string): void {
    this.worker?.terminate();
    this.worker = null;
    for (const { reject, timer } of this.waiting.values()) {
      window.clearTimeout(timer);
      reject(new Error(reason));
    }
    this.waiting.clear();
  }

  private started(): Worker {
    const worker = this.start();
    worker.onmessage = ({ data }: MessageEvent<Reply>) => this.settle(data);
    worker.onerror = () => this.end(this.said.stopped);
    return worker;
  }

  private settle(reply: Reply): void {
    const waiting = this.waiting.get(reply.id);
    if (!waiting) return;
    window.clearTimeout(waiting.timer);
    if (waiting.isSign(reply)) {
      waiting.timer = this.limit();
      return;
    }
    this.waiting.delete(reply.id);
    if ("problem" in reply) waiting.reject(new Error(String(reply.problem)));
    else waiting.resolve(reply as Exclude<Reply, { problem: string }>);
  }

  private limit(): number {
    return window.setTimeout(() => this.end(this.said.late), this.timeoutMs);
  }
}
