import { problemOf, ServerUnreachable } from "./errors";
import type { Image } from "./types";

export interface Upload {
  /** Raises ServerUnreachable, ApiProblem, or an AbortError after `cancel`. */
  readonly done: Promise<Image>;
  cancel(): void;
}

/** Uploads a file and reports the share that was sent, from 0 to 1, which `fetch` cannot. */
export function upload(file: File, onProgress: (sent: number) => void): Upload {
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
    request.open("POST", "/api/v1/images");
    request.setRequestHeader("Accept", "application/json");
    const body = new FormData();
    body.append("file", file);
    request.send(body);
  });
  return { done, cancel: () => request.abort() };
}
