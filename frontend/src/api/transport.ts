/** Requests to the server's API. */

import { ApiProblem, problemOf, ServerUnreachable } from "./errors";

export const PREFIX = "/api/v1";
/** No page of another origin can add it: a server with accounts asks for it with every change. */
export const OWN_REQUEST = { "X-ScanProof-Request": "1" };
export const USUAL_MS = 30_000;
const SIGNED_OUT = "scanproof:signed-out";
const SIGN_IN_REQUIRED = "urn:scanproof:problem:sign-in-required";

export interface Asked {
  method: string;
  headers?: Record<string, string>;
  body?: string | FormData;
}

/** Calls `listener` when the server says that nobody is signed in (any more). */
export function onSignedOut(listener: () => void): void {
  window.addEventListener(SIGNED_OUT, listener);
}

/** Every method raises ServerUnreachable or ApiProblem. */
export class Transport {
  constructor(private readonly fetcher: typeof fetch = (input, init) => fetch(input, init)) {}

  protected get<T>(path: string, timeout = USUAL_MS): Promise<T> {
    return this.request(path, { method: "GET" }, timeout);
  }

  protected post<T>(path: string, body: object, timeout = USUAL_MS): Promise<T> {
    const headers = { "Content-Type": "application/json" };
    return this.request(path, { method: "POST", headers, body: JSON.stringify(body) }, timeout);
  }

  protected async request<T>(path: string, init: Asked, timeout: number): Promise<T> {
    const headers = { Accept: "application/json", ...init.headers };
    return JSON.parse(await this.answer(path, { ...init, headers }, timeout, (response) => response.text())) as T;
  }

  protected async answer<T>(path: string, init: Asked, timeout: number, read: (good: Response) => Promise<T>): Promise<T> {
    let response: Response;
    let refusal: string;
    try {
      const headers = init.method === "GET" ? init.headers : { ...init.headers, ...OWN_REQUEST };
      response = await this.fetcher(PREFIX + path, { ...init, ...(headers ? { headers } : {}), signal: AbortSignal.timeout(timeout) });
      if (response.ok) return await read(response);
      refusal = await response.text();
    } catch (error) {
      throw new ServerUnreachable(error instanceof Error ? error.message : String(error));
    }
    const problem = problemOf(response.status, refusal, response.headers.get("Retry-After"));
    if (problem instanceof ApiProblem && problem.type === SIGN_IN_REQUIRED) window.dispatchEvent(new Event(SIGNED_OUT));
    throw problem;
  }
}
