/** The files of a model's bundle, each verified by the model's id before it is used. */

import { hex, joined, sha256 } from "../bytes";
import type { Metadata } from "./decision";

export type BundleFile = "metadata.json" | "model.tflite" | "detector.npz";

/** Its SHA-256 is the model's id; its lines are the SHA-256 and the name of every other file. */
const LISTING = "SHA256SUMS";

/** Bytes of a large file; `total` is 0 where the server does not say. */
export interface Progress {
  what: string;
  received: number;
  total: number;
}

export type Report = (progress: Progress) => void;

/** Something could not be fetched, or is not what it should be; the message is for people. */
export class FileRefused extends Error {}

/** A verified bundle: each file is fetched when it is asked for. */
export class Bundle {
  private constructor(
    private readonly sha256: string,
    private readonly listed: Map<string, string>,
    private readonly report: Report,
  ) {}

  /** `sha256` is the model's id without 0x. Raises FileRefused. */
  static async open(sha256: string, report: Report): Promise<Bundle> {
    const listing = await file(sha256, LISTING, sha256, report);
    const lines = new TextDecoder().decode(listing).trimEnd().split("\n");
    return new Bundle(sha256, new Map(lines.map((line) => line.split("  ").reverse() as [string, string])), report);
  }

  has(name: BundleFile): boolean {
    return this.listed.has(name);
  }

  /** Raises FileRefused. */
  async read(name: BundleFile): Promise<Uint8Array<ArrayBuffer>> {
    return file(this.sha256, name, this.listed.get(name) ?? "", this.report);
  }

  async metadata(): Promise<Metadata> {
    return JSON.parse(new TextDecoder().decode(await this.read("metadata.json"))) as Metadata;
  }
}

async function file(model: string, name: string, expected: string, report: Report): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  const reader = (await fetched(`/api/v1/models/0x${model}/files/${name}`, "the model", report)).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) parts.push(part.value);
  const content = joined(parts);
  const found = hex(await sha256(content));
  if (found !== expected) {
    throw new FileRefused(`The file ${name} of the model has the SHA-256 ${found}, not ${expected || "one that the model lists"}. It was not used.`);
  }
  return content;
}

/** The body of a file of this server, whose bytes are reported. Raises FileRefused, and so does the stream. */
export async function fetched(address: string, what: string, report: Report): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const response = await fetch(address).catch(() => {
    throw unreachable();
  });
  if (!response.ok || !response.body) {
    throw new FileRefused(`The server does not give the model's files: it answered ${response.status}. Load the page again.`);
  }
  const total = Number(response.headers.get("content-length") ?? 0);
  const reader = response.body.getReader();
  let received = 0;
  return new ReadableStream({
    pull: async (controller) => {
      const { value } = await reader.read().catch(() => {
        throw unreachable();
      });
      if (!value) {
        controller.close();
        return;
      }
      received += value.length;
      report({ what, received, total });
      controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

export const unreachable = (): FileRefused => new FileRefused("The model's files could not be loaded: the server does not answer. Try again.");
