import { ApiProblem, problemOf, ServerUnreachable } from "./errors";
import { OWN_REQUEST, PREFIX } from "./transport";
import type { Image, Pin, TextBox } from "./types";

export type Magnification = NonNullable<Pin["magnification"]>;

export interface Upload {
  /** Raises ServerUnreachable, ApiProblem, or an AbortError after `cancel`. */
  readonly done: Promise<Image>;
  cancel(): void;
}

/** What the server asks before it pins; `boxes` are places of text, in pixels. */
export type Question = { about: "text"; boxes: TextBox[] } | { about: "kind" };

/** The question of an error answer, or null where it is none. */
export function questionOf(error: unknown): Question | null {
  if (!(error instanceof ApiProblem)) return null;
  if (error.type === "urn:scanproof:problem:text-in-image") return { about: "text", boxes: error.boxes };
  return error.type === "urn:scanproof:problem:unrecognised-image" ? { about: "kind" } : null;
}

/** What the person said to the server's questions, of text in the picture and of a picture of no known kind; and of the
 * magnification of a section. */
export interface Answers {
  text?: "keep" | "mask";
  pinAnyway?: true;
  magnification?: Magnification;
  /** It takes the place of what was said before. */
  magnificationCorrected?: true;
}

/** The resources that take a file: whole slides have one of their own. */
export type UploadPath = "/images" | "/slides";

/** Uploads a file and reports the share that was sent, from 0 to 1, which `fetch` cannot. */
export function upload(path: UploadPath, file: File, answers: Answers, onProgress: (sent: number) => void): Upload {
  const request = new XMLHttpRequest();
  const done = new Promise<Image>((resolve, reject) => {
    request.upload.onprogress = ({ loaded, total, lengthComputable }) => {
      if (lengthComputable && total > 0) onProgress(loaded / total);
    };
    request.onload = () => {
      if (request.status === 200 || request.status === 201) resolve(JSON.parse(request.responseText) as Image);
      else reject(problemOf(request.status, request.responseText, request.getResponseHeader("Retry-After")));
    };
    request.onerror = () => reject(new ServerUnreachable("the connection broke"));
    request.onabort = () => reject(new DOMException("the upload was cancelled", "AbortError"));
    request.open("POST", PREFIX + path);
    for (const [name, value] of Object.entries({ Accept: "application/json", ...OWN_REQUEST })) request.setRequestHeader(name, value);
    const body = new FormData();
    // Its own name may be a person's.
    body.append("file", file, "image");
    for (const [name, answer] of Object.entries(answers)) body.append(name, String(answer));
    request.send(body);
  });
  return { done, cancel: () => request.abort() };
}
