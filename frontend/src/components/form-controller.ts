import type { ReactiveControllerHost } from "lit";
import { ApiProblem } from "../api/errors";
import { describe, type Problem } from "../state/problems";

const DECLINED: Problem = {
  kind: "declined",
  tone: "info",
  title: "Nothing was changed",
  text: "Your browser says that no passkey was made or used. Try again when you are ready.",
};

/** Sends a form: what is wrong with each field, the problem of the whole, and whether it is on its way. */
export class FormController {
  busy = false;
  problem: Problem | null = null;
  fields: Record<string, string> = {};

  constructor(private readonly host: ReactiveControllerHost & HTMLElement) {}

  /** Runs `work`, unless it runs already. Afterwards the first field that is wrong has the focus. */
  async send(work: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.problem = null;
    this.fields = {};
    this.host.requestUpdate();
    try {
      await work();
    } catch (error) {
      if (error instanceof ApiProblem && Object.keys(error.fields).length > 0) this.fields = error.fields;
      else if (error instanceof DOMException && error.name === "NotAllowedError") this.problem = DECLINED;
      else this.problem = describe(error);
    }
    this.busy = false;
    this.host.requestUpdate();
    await this.host.updateComplete;
    this.host.shadowRoot?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }
}

/** The text fields, by name, of the form that is sent; the browser sends nothing itself. */
export function valuesOf(event: SubmitEvent): Record<string, string> {
  event.preventDefault();
  return Object.fromEntries([...new FormData(event.target as HTMLFormElement)].map(([name, value]) => [name, typeof value === "string" ? value : ""]));
}
