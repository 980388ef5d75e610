import { PREFIX, Transport, USUAL_MS } from "./transport";
import type {
  Analysis,
  Answers,
  Attestation,
  Classification,
  Config,
  Course,
  DeepZoom,
  Hex,
  Image,
  ImageRecord,
  LedgerPage,
  Lineage,
  Lookup,
  Model,
  Outline,
  PinRequest,
  QueuePage,
  ReceivedList,
  RecordPage,
  Results,
  Similar,
  Study,
  StudyFile,
  StudyResult,
  StudyStep,
  DiagnosisStatus,
  TransactionStatus,
  Verification,
} from "./types";

/** A classification fetches the image back by its CID first, from gateways when the store is a remote one. */
const SLOW_MS = 180_000;
/** Polled: a server that hangs must be noticed soon. */
const POLL_MS = 8_000;

export type SearchField =
  | ("q" | "model" | "label" | "status" | "from" | "to")
  | ("modality" | "bodyPart" | "sequence" | "magnification");

/** A search of the records; an absent field does not filter. `from` and `to` are days, both included. */
export type RecordSearch = Partial<Record<SearchField, string>>;

/** Where the picture of an image is, as the models see it. */
export const viewOf = (cid: string): string => `${PREFIX}/images/${cid}/view`;
/** The same of a study that is being made; its images are not pinned yet. */
export const sliceViewOf = (studyId: string, order: number): string => `${PREFIX}/studies/${studyId}/slices/${order}/view`;

/** The same of the middle image of a series that a PACS sent. */
export const receivedViewOf = (seriesId: string): string => `${PREFIX}/received/${seriesId}/view`;

/** A tile of a slide, by its level of Deep Zoom. */
export const tileOf = (cid: string, level: number, column: number, row: number): string =>
  `${PREFIX}/slides/${cid}/tiles/${level}/${column}_${row}.jpeg`;

/** The typed client. Every method raises ServerUnreachable or ApiProblem. */
export class ApiClient extends Transport {
  config(): Promise<Config> {
    return this.get("/config");
  }

  image(cid: string): Promise<Image> {
    return this.get(`/images/${cid}`);
  }

  /** How a slide is cut into tiles. */
  deepZoom(cid: string): Promise<DeepZoom> {
    return this.get(`/slides/${cid}/deepzoom`);
  }

  /** The image's own bytes. */
  content(cid: string): Promise<Uint8Array<ArrayBuffer>> {
    return this.bytes(`/images/${cid}/content`);
  }

  /** The manifest's canonical bytes; a sealed one is not there. */
  manifest(manifestHash: Hex): Promise<Uint8Array> {
    return this.bytes(`/manifests/${manifestHash}`);
  }

  /** By the server's default model where `model` is null. Each sealed call gives a different manifest. */
  classify(cid: string, model: string | null = null, sealed = false): Promise<Classification> {
    return this.post(`/images/${cid}/classifications`, { model, sealed }, SLOW_MS);
  }

  analysis(cid: string): Promise<Analysis> {
    return this.get(`/images/${cid}/analysis`, SLOW_MS);
  }

  /** Where a tumour is outlined, by what the named classifier finds. */
  outline(cid: string, model: string): Promise<Outline> {
    return this.get(`/images/${cid}/outline?${new URLSearchParams({ model })}`, SLOW_MS);
  }

  /** Recorded images that are similar to the named model; an empty name is the one for this kind of image. */
  similar(cid: string, model: string): Promise<Similar> {
    return this.get(`/images/${cid}/similar?${new URLSearchParams(model ? { model } : {})}`, SLOW_MS);
  }

  attest(cid: string, manifestHash: Hex, uploader: Hex): Promise<Attestation> {
    return this.post(`/images/${cid}/attestations`, { manifestHash, uploader });
  }

  /** The same files, in the same order, give the same study. */
  beginStudy(files: StudyFile[]): Promise<Study> {
    return this.post("/studies", { files });
  }

  study(studyId: string): Promise<Study> {
    return this.get(`/studies/${studyId}`);
  }

  async addSlice(studyId: string, content: Uint8Array<ArrayBuffer>): Promise<void> {
    const body = new FormData();
    body.append("file", new Blob([content]), "slice");
    await this.answer(`/studies/${studyId}/slices`, { method: "POST", body }, SLOW_MS, (response) => response.text());
  }

  /** A part of the work; ask again until it is done. So does `pinStudy`. */
  classifyStudy(studyId: string): Promise<StudyStep> {
    return this.post(`/studies/${studyId}/classifications`, {}, SLOW_MS);
  }

  pinStudy(studyId: string, answers: PinRequest): Promise<StudyStep> {
    return this.post(`/studies/${studyId}/pins`, answers, SLOW_MS);
  }

  async discardStudy(studyId: string): Promise<void> {
    await this.answer(`/studies/${studyId}`, { method: "DELETE" }, USUAL_MS, (response) => response.text());
  }

  /** What a PACS or a watched folder sent, and nobody recorded yet. */
  received(): Promise<ReceivedList> {
    return this.get("/received");
  }

  async removeReceived(seriesId: string): Promise<void> {
    await this.answer(`/received/${seriesId}`, { method: "DELETE" }, USUAL_MS, (response) => response.text());
  }

  /** A part of the work; ask again until no file is missing. */
  studyOfReceived(seriesId: string): Promise<StudyStep> {
    return this.post(`/received/${seriesId}/study`, {}, SLOW_MS);
  }

  /** Pins the only image of a series. */
  pinReceived(seriesId: string, answers: Answers): Promise<Image> {
    return this.post(`/received/${seriesId}/image`, answers, SLOW_MS);
  }

  /** The study of a record. */
  recordedStudy(imageId: string): Promise<StudyResult> {
    return this.get(`/records/${encodeURIComponent(imageId)}/study`, SLOW_MS);
  }

  /** `from` and `nonce` let the server distinguish a replaced transaction from a lost one. */
  transaction(hash: Hex, from: Hex, nonce: number): Promise<TransactionStatus> {
    return this.get(`/transactions/${hash}?${new URLSearchParams({ from, nonce: String(nonce) })}`, POLL_MS);
  }

  records(search: RecordSearch, cursor: string | null, limit = 20): Promise<RecordPage> {
    const parameters = new URLSearchParams({ ...search, limit: String(limit), ...(cursor ? { cursor } : {}) });
    return this.get(`/records?${parameters}`);
  }

  /** The records of a file, also of an original whose metadata was not pinned. The server stores nothing of it. */
  lookup(file: File): Promise<Lookup> {
    const body = new FormData();
    body.append("file", file);
    return this.request("/records/lookup", { method: "POST", body }, SLOW_MS);
  }

  /** Every event of the contract, newest first. */
  ledger(cursor: string | null, limit = 50): Promise<LedgerPage> {
    return this.get(`/ledger?${new URLSearchParams({ limit: String(limit), ...(cursor ? { cursor } : {}) })}`);
  }

  lineage(modelId: Hex): Promise<Lineage> {
    return this.get(`/models/${modelId}/lineage`);
  }

  record(imageId: string): Promise<ImageRecord> {
    return this.get(`/records/${encodeURIComponent(imageId)}`);
  }

  /** The outlined area over time, for the recorded images of one patient. */
  course(imageId: string): Promise<Course> {
    return this.get(`/records/${encodeURIComponent(imageId)}/course`, SLOW_MS);
  }

  verification(imageId: string): Promise<Verification> {
    return this.get(`/records/${encodeURIComponent(imageId)}/verification`, SLOW_MS);
  }

  /** A record as a file of one of the kinds of the configuration, with the file's name. */
  exported(imageId: string, kind: string): Promise<{ name: string; content: Blob }> {
    const path = `/records/${encodeURIComponent(imageId)}/exports/${encodeURIComponent(kind)}`;
    return this.answer(path, { method: "GET", headers: { Accept: "*/*" } }, SLOW_MS, async (response) => {
      const [, name = `scanproof-${kind}`] = /filename="([\w.-]+)"/.exec(response.headers.get("Content-Disposition") ?? "") ?? [];
      return { name, content: await response.blob() };
    });
  }

  /** Oldest first. */
  reviewQueue(status: DiagnosisStatus, cursor: string | null): Promise<QueuePage> {
    return this.get(`/reviews/queue?${new URLSearchParams({ status, ...(cursor ? { cursor } : {}) })}`);
  }

  /** Publishes the statement of a review that is on the chain; publishing it again changes nothing. */
  async publish(reviewId: Hex, statement: string): Promise<void> {
    const init = { method: "PUT", headers: { "Content-Type": "application/json" }, body: statement };
    await this.request(`/reviews/${reviewId}/statement`, init, USUAL_MS);
  }

  results(): Promise<Results> {
    return this.get("/results");
  }

  async models(): Promise<Model[]> {
    return (await this.get<{ models: Model[] }>("/models")).models;
  }

  private async bytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
    const init = { method: "GET", headers: { Accept: "*/*" } };
    return new Uint8Array(await this.answer(path, init, SLOW_MS, (response) => response.arrayBuffer()));
  }
}

export const api = new ApiClient();
