/** The errors of a request to the server. */

import type { TextBox } from "./types";

export class ApiError extends Error {}

/** No answer: the server or the network is down. */
export class ServerUnreachable extends ApiError {}

/** An error answer, as problem details (RFC 9457). `retryAfter` in seconds, from the header of that name. */
export class ApiProblem extends ApiError {
  constructor(
    readonly status: number,
    readonly type: string,
    readonly title: string,
    readonly detail: string,
    readonly retryAfter: number | null,
    /** The places of an image in which a text seems to be. */
    readonly boxes: TextBox[] = [],
    /** The slices of a study that are asked about, from 0. */
    readonly slices: number[] = [],
    /** A message for each field of a form that is wrong, by its name. */
    readonly fields: Record<string, string> = {},
  ) {
    super(detail || title);
  }

  /** Whether a one-time code is asked for, after the rest was right. */
  get asksForCode(): boolean {
    return this.type === "urn:scanproof:problem:code-required";
  }
}

interface Details {
  type?: unknown;
  title?: unknown;
  detail?: unknown;
  boxes?: unknown;
  slices?: unknown;
  fields?: unknown;
}

/** Builds the error of an answer whose status is not a success; the body need not be problem details. */
export function problemOf(status: number, body: string, retryAfter: string | null): ApiError {
  let details: Details | null = null;
  try {
    details = JSON.parse(body) as Details | null;
  } catch {
    // A proxy in front of the server answers in HTML when the server is gone.
    if (status === 502 || status === 503 || status === 504) return new ServerUnreachable(`HTTP ${status}`);
  }
  const seconds = Number.parseInt(retryAfter ?? "", 10);
  return new ApiProblem(
    status,
    text(details?.type, "about:blank"),
    text(details?.title, `The server answered ${status}`),
    text(details?.detail, ""),
    Number.isFinite(seconds) ? Math.max(0, seconds) : null,
    Array.isArray(details?.boxes) ? (details.boxes as TextBox[]) : [],
    Array.isArray(details?.slices) ? (details.slices as number[]) : [],
    typeof details?.fields === "object" && details.fields ? (details.fields as Record<string, string>) : {},
  );
}

function text(value: unknown, otherwise: string): string {
  return typeof value === "string" && value ? value : otherwise;
}
