import { problemOf, ServerUnreachable } from "./errors";
import type {
  Analysis,
  Attestation,
  Classification,
  Config,
  Hex,
  ImageRecord,
  Model,
  Outline,
  RecordPage,
  Results,
  TransactionStatus,
  Verification,
} from "./types";

const PREFIX = "/api/v1";
const USUAL_MS = 30_000;
/** A classification fetches the image back by its CID first, from gateways when the store is a remote one. */
const SLOW_MS = 180_000;
/** Asked again and again: a server that hangs should be noticed soon. */
const POLL_MS = 8_000;

/** The typed client. Every method raises ServerUnreachable or ApiProblem. */
export class ApiClient {
  constructor(private readonly fetcher: typeof fetch = (input, init) => fetch(input, init)) {}

  config(): Promise<Config> {
    return this.get("/config");
  }

  /** By the server's default model where none is named. */
  classify(cid: string, model: string | null = null): Promise<Classification> {
    return this.post(`/images/${cid}/classifications`, { model }, SLOW_MS);
  }

  analysis(cid: string): Promise<Analysis> {
    return this.get(`/images/${cid}/analysis`, SLOW_MS);
  }

  /** Where a tumour is outlined, by what the named classifier finds. */
  outline(cid: string, model: string): Promise<Outline> {
    return this.get(`/images/${cid}/outline?${new URLSearchParams({ model })}`, SLOW_MS);
  }

  attest(cid: string, manifestHash: Hex, uploader: Hex): Promise<Attestation> {
    return this.post(`/images/${cid}/attestations`, { manifestHash, uploader });
  }

  /** `from` and `nonce` let the server tell a replaced transaction from one that was lost. */
  transaction(hash: Hex, from: Hex, nonce: number): Promise<TransactionStatus> {
    return this.get(`/transactions/${hash}?${new URLSearchParams({ from, nonce: String(nonce) })}`, POLL_MS);
  }

  records(query: string, cursor: string | null, limit = 20): Promise<RecordPage> {
    const parameters = new URLSearchParams({ q: query, limit: String(limit), ...(cursor ? { cursor } : {}) });
    return this.get(`/records?${parameters}`);
  }

  record(imageId: string): Promise<ImageRecord> {
    return this.get(`/records/${encodeURIComponent(imageId)}`);
  }

  verification(imageId: string): Promise<Verification> {
    return this.get(`/records/${encodeURIComponent(imageId)}/verification`, SLOW_MS);
  }

  results(): Promise<Results> {
    return this.get("/results");
  }

  async models(): Promise<Model[]> {
    return (await this.get<{ models: Model[] }>("/models")).models;
  }

  private get<T>(path: string, timeout = USUAL_MS): Promise<T> {
    return this.request(path, { method: "GET" }, timeout);
  }

  private post<T>(path: string, body: object, timeout = USUAL_MS): Promise<T> {
    const headers = { "Content-Type": "application/json" };
    return this.request(path, { method: "POST", headers, body: JSON.stringify(body) }, timeout);
  }

  private async request<T>(path: string, init: RequestInit, timeout: number): Promise<T> {
    let response: Response;
    let body: string;
    try {
      const headers = { Accept: "application/json", ...init.headers };
      response = await this.fetcher(PREFIX + path, { ...init, headers, signal: AbortSignal.timeout(timeout) });
      body = await response.text();
    } catch (error) {
      throw new ServerUnreachable(error instanceof Error ? error.message : String(error));
    }
    if (!response.ok) throw problemOf(response.status, body, response.headers.get("Retry-After"));
    return JSON.parse(body) as T;
  }
}

export const api = new ApiClient();
