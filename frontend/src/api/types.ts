/** The bodies of the HTTP API. Written by `npm run types` from /openapi.json: change the schemas in backend/api. */

export type Hex = `0x${string}`;

/** Whether the registry accepts diagnoses by a model, in the order of IModelRegistry.Status. */
export type ModelStatus = "unknown" | "inUse" | "retired";

/** Where a value of an image's kind is from. */
export type KindSource = "dicom" | "recognised" | "uploader" | "unknown";

/** The verdict of a review, in the order of IImageRegistry.Verdict. */
export type Verdict = "confirmed" | "overridden" | "withdrawn";

export type LedgerEntry = ImageEntry | DiagnosisEntry | ReviewEntry | ModelEntry | CompromiseEntry;

/** What a person may do. Who registers is a patient or, once an administrator approved it, a doctor. */
export type Role = "patient" | "doctor" | "auditor" | "administrator";

/**
 * Before its first review a diagnosis is asserted by its classifier; one that gives no answer is abstained.
 *
 * Then the newest review decides.
 */
export type DiagnosisStatus = "asserted" | "abstained" | "confirmed" | "overridden" | "withdrawn";

/** How a session began. */
export type SignInMethod = "password" | "passkey" | "wallet";

export type KeyChange = "added" | "ended";

/** How content keys are wrapped for it: by HPKE, or by RSA-OAEP. */
export type AccountKeyKind = "x25519" | "rsa";

/** The secret of the owner by which a private key is wrapped. */
export type WrapMethod = "password" | "phrase" | "prf";

/** What happened to an account. */
export type EventKind =
  | "signed-in"
  | "sign-in-failed"
  | "signed-out"
  | "registered"
  | "password-changed"
  | "reset-sent"
  | "password-reset"
  | "session-ended"
  | "profile-changed"
  | "role-changed"
  | "code-asked"
  | "codes-on"
  | "codes-off"
  | "passkey-added"
  | "passkey-removed"
  | "wallet-linked"
  | "wallet-removed"
  | "key-added"
  | "key-ended"
  | "wrap-added"
  | "wrap-removed"
  | "closed";

export type OutlinedBy = "model" | "clinician" | "both";

/** What a verification found. UNANCHORED: consistent in itself, but compared with no block hash that is trusted. */
export type Outcome = "valid" | "unanchored" | "invalid";

export type TransactionState = "unknown" | "pending" | "mined" | "confirmed" | "failed" | "replaced";

/**
 * For each part "ok", or the reason why it cannot be used. A server that works is `degraded` when stored data is
 * damaged; `damage` says which.
 */
export interface Readiness {
  status: "ready" | "degraded" | "not ready";
  checks: {
    [k: string]: string;
  };
  damage: string[];
}

export interface Currency {
  name: string;
  symbol: string;
  decimals: number;
}

export interface ChainConfig {
  id: number;
  name: string;
  rpcUrl: string | null;
  currency: Currency;
  explorerUrl: string | null;
  contract: Hex;
  startBlock: number;
  confirmations: number;
  development: boolean;
}

/** `public`: whether anybody can read what is pinned, through any gateway of IPFS. */
export interface Storage {
  name: string;
  public: boolean;
}

/** `maxSlideBytes` is of a whole slide, the others of any other image. */
export interface Limits {
  maxBytes: number;
  maxPixels: number;
  mediaTypes: string[];
  maxSlideBytes: number;
}

/** `kind` is the name in the address of an export, `about` says in one line what it is. */
export interface ExportKind {
  kind: string;
  title: string;
  about: string;
}

export interface Config {
  version: string;
  chain: ChainConfig;
  storage: Storage;
  classifier: Hex;
  limits: Limits;
  exports: ExportKind[];
  notice: string;
}

export interface Health {
  status: "ok";
}

export interface Label {
  label: string;
  code: number;
  text: string;
}

export interface Reference {
  title: string;
  publisher: string;
  url: string;
}

/** What a person may do after a result, and where that is said. */
export interface NextStep {
  text: string;
  reference: Reference;
}

/** An installed model. */
export interface Model {
  name: string;
  version: string;
  sha256: string;
  modality: string;
  kind: string;
  architecture: string;
  /** Why this model is weak; null where it is not. */
  weak: string | null;
  /** Of the microscope whose images it knows; null for other images. */
  magnification: number | null;
  classes: Label[];
  metrics: {
    [k: string]: unknown;
  };
  default: boolean;
  /** Markdown. */
  card: string;
  /** By label, with "abstained" for no answer. */
  nextSteps: {
    [k: string]: NextStep[];
  };
  /** What the contract has of it; null while the chain cannot be asked. */
  chainStatus: ModelStatus | null;
}

export interface ModelList {
  models: Model[];
}

/** `by` is name and version of what recognised it. */
export interface KindStatement {
  value: string;
  source: KindSource;
  by: string | null;
}

/**
 * `value` is null where it is unknown. `by` is name and version of what recognised it. `others` are the statements
 * that differ from it: none is preferred for being newer.
 */
export interface KindValue {
  value: string | null;
  source: KindSource;
  by: string | null;
  others: KindStatement[];
}

/**
 * What kind of image one is, each value with its source: `dicom` attributes, `recognised` by a gate, said by the
 * `uploader`, or `unknown`. Of a study, the values that all its slices have.
 *
 * `modality` and `bodyPart` are terms of DICOM, such as MR and BRAIN; `sequence` is that of MR, such as
 * `t1-post-contrast`; `magnification` that of a microscope, such as 100.
 */
export interface Kind {
  modality: KindValue;
  bodyPart: KindValue;
  sequence: KindValue;
  magnification: KindValue;
}

/** A picture of the pyramid in pixels; `downsample` is how many times wider the full size is. */
export interface SlideLevel {
  width: number;
  height: number;
  downsample: number;
}

/**
 * What a whole-slide image says of itself: its pyramid, full size first, the size of a pixel, the magnification of
 * the objective and the maker of the scanner; null where it is not said.
 */
export interface Slide {
  levels: SlideLevel[];
  micrometresPerPixel: number | null;
  objective: number | null;
  vendor: string | null;
}

/** `content` are the pinned bytes; `view` is the image as the models see it, for a browser to show. */
export interface ImageLinks {
  self: string;
  content: string;
  view: string;
}

/** `stripped` names the metadata blocks that were removed before pinning, such as EXIF. */
export interface Image {
  cid: string;
  sha256: string;
  size: number;
  width: number;
  height: number;
  mediaType: string;
  stripped: string[];
  created: boolean;
  kind: Kind;
  /** Null for an image that is no slide. */
  slide: Slide | null;
  links: ImageLinks;
}

/** A place of an image in which a text seems to be. In pixels, from the upper left corner. */
export interface TextBox {
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * Problem details (RFC 9457). `boxes` belong to the type `text-in-image`; `slices`, from 0, to `text-in-slices` and
 * `unrecognised-slices`; `fields`, a message for each field of the form, to `invalid-fields`.
 */
export interface Problem {
  boxes?: TextBox[];
  slices?: number[];
  fields?: {
    [k: string]: string;
  };
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
}

/**
 * `text` says what to do with text in the picture: `keep` it, since it identifies nobody, or `mask` it, that is,
 * make its places black. `pinAnyway` pins to a public store what is recognised as no medical image. `magnification`
 * is that of the microscope, for an image of tissue: what the uploader says of it, beside what was said before, or in
 * its place where `magnificationCorrected`.
 */
export interface Pin {
  text?: "ask" | "keep" | "mask";
  pinAnyway?: boolean;
  magnification?: 40 | 100 | 200 | 400 | null;
  magnificationCorrected?: boolean;
  file: string;
}

export interface Upload {
  file: string;
}

/** `block` is the newest one whose events are known here, `head` the chain's newest. */
export interface IndexStatus {
  block: number | null;
  head: number | null;
  synced: boolean;
}

export interface TransactionLink {
  hash: Hex;
  explorerUrl: string | null;
}

/** `timestamp` in Unix seconds. */
export interface Block {
  number: number;
  hash: Hex;
  timestamp: number;
}

/** `who` is the uploader. */
export interface ImageEntry {
  who: Hex;
  imageId: Hex;
  modelId: null;
  model: null;
  sealed: boolean;
  verdict: null;
  label: null;
  labelText: null;
  labelCode: null;
  confidence: null;
  classifier: null;
  compromisedSince: null;
  transaction: TransactionLink;
  block: Block;
  kind: "imageRegistered";
}

export interface ModelName {
  name: string;
  version: string;
}

/**
 * `who` is the classifier. Of a sealed diagnosis neither the label nor the confidence is known.
 *
 * `compromisedSince` is as in a record.
 */
export interface DiagnosisEntry {
  who: Hex;
  imageId: Hex;
  modelId: Hex;
  model: ModelName | null;
  sealed: boolean;
  verdict: null;
  label: string;
  labelText: string;
  labelCode: number;
  confidence: number | null;
  classifier: null;
  compromisedSince: number | null;
  transaction: TransactionLink;
  block: Block;
  kind: "diagnosisRecorded";
}

/** `who` is the reviewer, and the label is valid from now on; null when the diagnosis was withdrawn. */
export interface ReviewEntry {
  who: Hex;
  imageId: Hex;
  modelId: Hex;
  model: ModelName | null;
  sealed: boolean;
  verdict: Verdict;
  label: string | null;
  labelText: string | null;
  labelCode: number;
  confidence: null;
  classifier: null;
  compromisedSince: null;
  transaction: TransactionLink;
  block: Block;
  kind: "diagnosisReviewed";
}

/** `who` is the model admin. */
export interface ModelEntry {
  who: Hex;
  imageId: null;
  modelId: Hex;
  model: ModelName | null;
  sealed: boolean;
  verdict: null;
  label: null;
  labelText: null;
  labelCode: null;
  confidence: null;
  classifier: null;
  compromisedSince: null;
  transaction: TransactionLink;
  block: Block;
  kind: "modelRegistered" | "modelRetired" | "trainingAnchored";
}

/** `who` is the admin, who reports that the key of `classifier` is not its own since then, in Unix seconds. */
export interface CompromiseEntry {
  who: Hex;
  imageId: null;
  modelId: null;
  model: null;
  sealed: boolean;
  verdict: null;
  label: null;
  labelText: null;
  labelCode: null;
  confidence: null;
  classifier: Hex;
  compromisedSince: number;
  transaction: TransactionLink;
  block: Block;
  kind: "classifierCompromised";
}

export interface LedgerPage {
  next: string | null;
  index: IndexStatus;
  entries: LedgerEntry[];
}

/** `createdAt` in Unix seconds. A doctor works once `approved`. */
export interface Account {
  accountId: string;
  name: string;
  email: string;
  phone: string;
  role: Role;
  approved: boolean;
  createdAt: number;
}

/** Those who wait for approval first, then the newest, 500 at most. */
export interface People {
  accounts: Account[];
}

/** The test data; `unit` is what a group is, such as a patient. */
export interface ResultData {
  name: string;
  labels: string[];
  images: number;
  unit: string;
  groups: number | null;
  divisions: {
    [k: string]: number;
  }[];
  near_duplicate_sets_across_splits: number;
  groups_across_splits: number;
}

export interface Parameters {
  total: number;
  trainable: number;
}

/** `weights`: where those of the backbone come from; null is random. */
export interface Network {
  name: string;
  source: string;
  frozen_backbone: boolean;
  weights: string | null;
  input_shape: number[];
  parameters: Parameters;
}

/** Everything that decided the training; which fields there are depends on the release that trained. */
export interface Recipe {
  name: string;
  [k: string]: unknown;
}

export interface Budget {
  input_shape_of_the_source: number[];
  epochs_at_most: number;
  epochs_of_the_recipe: number;
  epochs_run: number[];
}

/** One class against the rest; `support` is its number of images. */
export interface ClassFigures {
  precision: number;
  recall: number;
  f1: number;
  specificity: number | null;
  auc: number | null;
  pr_auc: number | null;
  support: number;
}

export interface Confusion {
  labels: string[];
  rows_are_truth: number[][];
}

/** Each measure with its 95 % bootstrap interval; what is undefined is null. */
export interface Figures {
  accuracy: number | null;
  balanced_accuracy: number | null;
  error_rate: number | null;
  sensitivity: number | null;
  specificity: number | null;
  precision: number | null;
  recall: number | null;
  f1: number | null;
  macro_auc: number | null;
  pr_auc: number | null;
  expected_calibration_error: number | null;
  brier_score: number | null;
  negative_log_likelihood: number | null;
  accuracy_interval: [number, number] | null;
  balanced_accuracy_interval: [number, number] | null;
  error_rate_interval: [number, number] | null;
  sensitivity_interval: [number, number] | null;
  specificity_interval: [number, number] | null;
  precision_interval: [number, number] | null;
  recall_interval: [number, number] | null;
  f1_interval: [number, number] | null;
  macro_auc_interval: [number, number] | null;
  pr_auc_interval: [number, number] | null;
  expected_calibration_error_interval: [number, number] | null;
  brier_score_interval: [number, number] | null;
  negative_log_likelihood_interval: [number, number] | null;
  images: number;
  groups: number | null;
  resampled_by: "group" | "image";
  positive: string | null;
  classes: {
    [k: string]: ClassFigures;
  };
  confusion: Confusion;
}

export interface RocCurve {
  label: string;
  false_positive_rate: number[];
  true_positive_rate: number[];
}

export interface ReliabilityBin {
  confidence: number;
  accuracy: number;
  images: number;
}

export interface Curves {
  roc: RocCurve[];
  reliability: ReliabilityBin[];
}

/** `bytes` of the exported file; `milliseconds` for one image. */
export interface Cost {
  seconds_per_epoch: number;
  bytes: number;
  milliseconds: number;
  threads: number;
  machine: string;
}

/** One network under one protocol: the schema scanproof.result/1, without the examples. */
export interface NetworkResult {
  schema: "scanproof.result/1";
  data: ResultData;
  protocol: string;
  network: Network;
  recipe: Recipe;
  budget: Budget;
  seed: number;
  figures: Figures;
  group_figures: Figures | null;
  curves: Curves;
  /** Loss and measures by epoch, a history for each network that was trained. */
  training: {
    [k: string]: (number | null)[];
  }[];
  cost: Cost;
  cautions: string[];
}

export interface Comparison {
  data: string;
  text: string;
}

/** What a source reports of its own data. */
export interface PublishedFigures {
  source: string;
  network: string;
  data: string;
  loss: number | null;
  auc: number | null;
  accuracy: number;
}

export interface NotTrained {
  data: string;
  networks: string[];
}

export interface Results {
  results: NetworkResult[];
  comparisons: Comparison[];
  published: PublishedFigures[];
  notTrained: NotTrained[];
}

export interface CurrentLabel {
  label: string;
  labelText: string;
  labelCode: number;
}

/** `outline` on the slice whose `order` (from 0) and `cid` are those of a slice of the study; else of none. */
export interface SliceOutline {
  order: number;
  cid: string;
  outline: [number, number][][];
}

/** `label` is null and `labelCode` 0 when the diagnosis was withdrawn. */
export interface Review {
  reviewId: Hex;
  verdict: Verdict;
  label: string | null;
  labelCode: number;
  reviewer: Hex;
  supersedes: Hex;
  reasonHash: Hex;
  /** The reviewer's reason once it is published, in the answer for a single record. */
  statement: string | null;
  /** The reviewer's contours in place of the model's; null: not corrected. */
  outline: [number, number][][] | null;
  /** The same for slices of a study; none for those that were not corrected. */
  sliceOutlines: SliceOutline[];
  transaction: TransactionLink;
  block: Block;
}

/**
 * A sealed one shows no label: `labelCode` is that of SEALED, and `confidence` is null.
 *
 * `confidence` is in [0, 1], `issuedAt` in Unix seconds.
 */
export interface Diagnosis {
  diagnosisId: Hex;
  sealed: boolean;
  status: DiagnosisStatus;
  /** The label that is valid now, null when the diagnosis was withdrawn. */
  current: CurrentLabel | null;
  label: string;
  labelText: string;
  labelCode: number;
  confidence: number | null;
  modelId: Hex;
  model: ModelName | null;
  manifestHash: Hex;
  manifestCid: string;
  issuedAt: number;
  classifier: Hex;
  /** Since when the classifier's key is reported as compromised, in Unix seconds, if that is at or before the time of the block or of the signature: whoever has the key can have signed it. Else null. */
  compromisedSince: number | null;
  signature: Hex;
  transaction: TransactionLink;
  block: Block;
  reviews: Review[];
}

export interface ImageRecord {
  imageId: Hex;
  cid: string;
  uploader: Hex;
  commitment: Hex;
  transaction: TransactionLink;
  block: Block;
  imageAvailable: boolean;
  /** Whether the record is of a study: its CID is that of a study manifest. */
  study: boolean;
  kind: Kind;
  diagnoses: Diagnosis[];
}

export interface RecordPage {
  next: string | null;
  index: IndexStatus;
  records: ImageRecord[];
}

/** A file that is no slice of the study, for instance because it is no image or is there twice. */
export interface LeftOut {
  name: string;
  reason: string;
}

/** A model; 0x and its `sha256` are its id on the chain. */
export interface ModelIdentity {
  name: string;
  version: string;
  sha256: string;
  modality: string;
}

/** UIDs of DICOM, after de-identification. */
export interface StudySeries {
  study: string;
  series: string;
}

/**
 * `deciding` are the first and last of the neighbouring slices that gave the finding, or null; `counts` the numbers
 * of slices by label.
 */
export interface StudySummary {
  label: string;
  labelText: string;
  labelCode: number;
  confidence: number;
  abstained: boolean;
  reason: string | null;
  deciding: number[] | null;
  counts: {
    [k: string]: number;
  };
}

/** `order` begins at 0; `labelCode` is 0 when the model, or the gate, abstained. */
export interface StudySlice {
  order: number;
  /** Of the file, until the study is recorded. */
  name: string | null;
  cid: string;
  sha256: string;
  size: number;
  manifestHash: Hex;
  modelSha256: string;
  label: string;
  labelText: string;
  labelCode: number;
  confidence: number;
  abstained: boolean;
}

/** A study as its manifest (`scanproof.study/1`) and its slice list say. */
export interface StudyResult {
  cid: string;
  manifestHash: Hex;
  slicesCid: string;
  manifestsCid: string;
  /** The Merkle root over the slices, in hex. */
  root: string;
  rule: string;
  time: string;
  model: ModelIdentity;
  weak: string | null;
  series: StudySeries | null;
  summary: StudySummary;
  slices: StudySlice[];
}

/**
 * `missing` are the SHA-256 of the files that were not received yet. `screened` slices were looked at for text;
 * `pinned` of `objects` are pinned, and when all are, `signable` is true. `result` is null until every slice is
 * classified.
 */
export interface Study {
  studyId: string;
  files: number;
  missing: string[];
  leftOut: LeftOut[];
  slices: number;
  classified: number;
  screened: number;
  objects: number;
  pinned: number;
  signable: boolean;
  result: StudyResult | null;
}

/** `sha256` and `size` of the file as it was chosen. */
export interface StudyFile {
  name: string;
  sha256: string;
  size: number;
}

export interface StudyRequest {
  files: StudyFile[];
  model?: string | null;
}

/** `accounts`: whether people sign in on this server. The rest is null while nobody is. */
export interface CurrentSession {
  accounts: boolean;
  sessionId: string | null;
  method: SignInMethod | null;
  account: Account | null;
}

/** `code` is a one-time code or a recovery code, where the account asks for one. */
export interface Credentials {
  email: string;
  password: string;
  code?: string;
}

export interface Profile {
  name?: string;
  phone?: string;
}

/**
 * `entryHash` is the SHA-256 of the canonical JSON (RFC 8785) of the other fields; `previous` is that of the entry
 * before, 64 zeros in the first. `sequence` counts from 1 without a gap.
 */
export interface KeyLogEntry {
  sequence: number;
  accountId: string;
  event: KeyChange;
  keyId: string;
  at: number;
  previous: string;
  entryHash: string;
}

/** The oldest first, 200 at most. `next` is the `after` of the following page, null on the last. */
export interface KeyLog {
  entries: KeyLogEntry[];
  next: number | null;
}

/**
 * `study` and `series` are UIDs after de-identification. `source` is `c-store`, with the calling AE title as
 * `sender`, `stow-rs`, `folder`, or `recovered` after a loss of the database. Times are in Unix seconds; the series is
 * removed at `removedAt`. `begun` says that a study was made of it.
 */
export interface ReceivedSeries {
  seriesId: string;
  study: string;
  series: string;
  modality: string;
  source: string;
  sender: string;
  files: number;
  size: number;
  firstAt: number;
  lastAt: number;
  removedAt: number;
  begun: boolean;
}

/** The queue, the last arrival first. `size` of at most `mostBytes` are taken. */
export interface ReceivedList {
  series: ReceivedSeries[];
  size: number;
  mostBytes: number;
}

/** The same for every address: whether it has an account, only the mail says. */
export interface MailSent {
  status: "mailed";
}

/** What is left out counts as empty, which has a message of its own. */
export interface Registration {
  name?: string;
  email?: string;
  phone?: string;
  role?: string;
  password?: string;
  passwordAgain?: string;
}

/** `index` says whether the whole chain was read when the export began. */
export interface RecordExport {
  index: IndexStatus;
  records: ImageRecord[];
}

/** `wrapId` is the SHA-256 of `document`. */
export interface KeyWrap {
  wrapId: string;
  method: WrapMethod;
  passkeyId: string | null;
  document: string;
}

export interface AccountKey {
  keyId: string;
  kind: AccountKeyKind;
  publicKey: string;
  createdAt: number;
  endedAt: number | null;
  wraps: KeyWrap[];
}

/** The oldest first. */
export interface AccountKeyList {
  keys: AccountKey[];
}

/** `document` is a `scanproof.secret-wrap/1` as text; `passkeyId` is that of a wrap by `prf`. */
export interface NewWrap {
  document: string;
  passkeyId?: string | null;
}

/** `publicKey` in PEM. One of X25519 has wraps of its private key, and names in `replaces` the key that it ends. */
export interface NewKey {
  password: string;
  publicKey: string;
  wraps?:
    | []
    | [NewWrap]
    | [NewWrap, NewWrap]
    | [NewWrap, NewWrap, NewWrap]
    | [NewWrap, NewWrap, NewWrap, NewWrap]
    | [NewWrap, NewWrap, NewWrap, NewWrap, NewWrap]
    | [NewWrap, NewWrap, NewWrap, NewWrap, NewWrap, NewWrap];
  replaces?: string | null;
}

/** A diagnosis with the record that it is of. */
export interface QueuedDiagnosis {
  diagnosisId: Hex;
  sealed: boolean;
  status: DiagnosisStatus;
  /** The label that is valid now, null when the diagnosis was withdrawn. */
  current: CurrentLabel | null;
  label: string;
  labelText: string;
  labelCode: number;
  confidence: number | null;
  modelId: Hex;
  model: ModelName | null;
  manifestHash: Hex;
  manifestCid: string;
  issuedAt: number;
  classifier: Hex;
  /** Since when the classifier's key is reported as compromised, in Unix seconds, if that is at or before the time of the block or of the signature: whoever has the key can have signed it. Else null. */
  compromisedSince: number | null;
  signature: Hex;
  transaction: TransactionLink;
  block: Block;
  reviews: Review[];
  imageId: Hex;
  cid: string;
  uploader: Hex;
  imageAvailable: boolean;
}

export interface QueuePage {
  next: string | null;
  index: IndexStatus;
  diagnoses: QueuedDiagnosis[];
}

/** `uri` is for the app, as a QR code or by hand: it holds the secret. */
export interface CodeApp {
  uri: string;
}

/** The password, asked again: whoever finds a browser signed in must not be able to stay. */
export interface Password {
  password: string;
}

/** Each replaces one code of the app, once. They are shown this time only. */
export interface RecoveryCodes {
  recoveryCodes: string[];
}

export interface Code {
  code: string;
}

/** `cid` is that of the file without its metadata, the blocks of which `stripped` names. */
export interface Lookup {
  cid: string;
  stripped: string[];
  records: ImageRecord[];
  index: IndexStatus;
}

/** `at` in Unix seconds; `client` is the network address, `agent` what the browser called itself. */
export interface AccountEvent {
  kind: EventKind;
  at: number;
  client: string;
  agent: string;
  detail: string;
}

/** The newest first, 200 at most. Each is kept for a year. */
export interface AccountEventList {
  events: AccountEvent[];
}

export interface UsedWallet {
  message: string;
  signature: string;
  code?: string;
}

export interface ResetRequest {
  email: string;
}

/** `token` is what stands after # in the link of the mail. */
export interface Reset {
  token: string;
  password?: string;
  passwordAgain?: string;
  code?: string;
}

export interface Closure {
  password: string;
}

/** Other members are not read. */
export interface AuthenticatorResponse {
  clientDataJSON: string;
  attestationObject?: string;
  authenticatorData?: string;
  signature?: string;
  userHandle?: string | null;
  [k: string]: unknown;
}

/** As `PublicKeyCredential.toJSON` gives it. Other members are not read. */
export interface PublicKeyCredential {
  id: string;
  rawId: string;
  type: string;
  response: AuthenticatorResponse;
  [k: string]: unknown;
}

export interface UsedPasskey {
  credential: PublicKeyCredential;
}

export interface LinkedWallet {
  address: Hex;
  linkedAt: number;
}

export interface NewWallet {
  message: string;
  signature: string;
  password: string;
}

/** `oldPassword` is the present one. */
export interface NewPassword {
  oldPassword: string;
  password?: string;
  passwordAgain?: string;
}

/** A browser in which this account is signed in. `current` is the one that asks. Times in Unix seconds. */
export interface Session {
  sessionId: string;
  method: SignInMethod;
  createdAt: number;
  lastAt: number;
  client: string;
  agent: string;
  current: boolean;
}

export interface SessionList {
  sessions: Session[];
}

export interface Passkey {
  passkeyId: string;
  name: string;
  createdAt: number;
  usedAt: number | null;
}

export interface NewPasskey {
  name?: string;
  credential: PublicKeyCredential;
}

/** `codes`: whether signing in with the password or a wallet asks for a one-time code. Times in Unix seconds. */
export interface CredentialsOverview {
  codes: boolean;
  recoveryCodesLeft: number;
  passkeys: Passkey[];
  wallets: LinkedWallet[];
}

export interface RoleChange {
  role: Role;
  approved: boolean;
}

/** `share` of the head's area, in [0, 1]. */
export interface Area {
  pixels: number;
  share: number;
}

export interface OutlineLinks {
  overlay?: string;
}

/**
 * `contours` are closed polygons of (x, y) in pixels of the original; what an odd number of them encloses is
 * outlined. `probability` is the model's mean inside it.
 */
export interface Outline {
  outlined: boolean;
  reason: string | null;
  area: Area | null;
  probability: number | null;
  contours: [number, number][][];
  model: ModelIdentity | null;
  links: OutlineLinks;
}

/**
 * A recorded image and what became of it. `distance` is 1 minus the cosine of the features; `sameImage` marks a
 * copy, which says nothing new.
 */
export interface Case {
  imageId: Hex;
  cid: string;
  distance: number;
  sameImage: boolean;
  status: DiagnosisStatus;
  label: string;
  labelText: string;
  confidence: number | null;
  current: CurrentLabel | null;
}

/**
 * The recorded images that are most similar to the model, which does not mean that they have the same disease.
 *
 * `compared` images of the same model were looked at, at most `limit`. `reason` says why none could be.
 */
export interface Similar {
  model: ModelIdentity | null;
  compared: number;
  limit: number;
  reason: string | null;
  cases: Case[];
}

/**
 * A Deep Zoom image: level `levels` - 1 is the full size, each lower one half as large. `tileSize` is without the
 * `overlap`.
 */
export interface DeepZoom {
  width: number;
  height: number;
  tileSize: number;
  overlap: number;
  levels: number;
  format: string;
}

/** `unit` is empty for a number without one. */
export interface AnalysisFigure {
  name: string;
  title: string;
  value: number;
  unit: string;
  explanation: string;
}

/** `picture` is the address of a PNG of `width` by `height` pixels. */
export interface AnalysisStep {
  name: string;
  title: string;
  explanation: string;
  picture: string;
  width: number;
  height: number;
  figures: AnalysisFigure[];
}

/** `stained`: analysed as stained tissue. */
export interface Analysis {
  cid: string;
  stained: boolean;
  steps: AnalysisStep[];
}

/** `token` is what stands after # in the link of the mail. */
export interface Confirmation {
  token: string;
  password: string;
}

/** What the message of Sign-In with Ethereum must say; it must expire within `seconds`. */
export interface WalletMessage {
  domain: string;
  uri: string;
  statement: string;
  chainId: number;
  nonce: string;
  seconds: number;
}

/** How far the study is after a step: as in `Study`, without what may be long. */
export interface StudyStep {
  studyId: string;
  files: number;
  missing: number;
  leftOut: number;
  slices: number;
  classified: number;
  screened: number;
  objects: number;
  pinned: number;
  classificationDone: boolean;
  signable: boolean;
}

/**
 * `text`: `keep` if what seems to be text in slices identifies nobody, `leave-out` to make the study without those
 * slices, which changes its result. `pinAnyway`: also unknown kinds.
 */
export interface PinRequest {
  text?: "ask" | "keep" | "leave-out";
  pinAnyway?: boolean;
}

/** `options` are for `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`. */
export interface PasskeyOptions {
  options: {
    [k: string]: unknown;
  };
}

/** Who wrote something about a model on the chain, and where it is there. */
export interface ModelEvent {
  admin: Hex;
  transaction: TransactionLink;
  block: Block;
}

/** The model card that was registered; `available`: whether this server's store has it. */
export interface RegisteredCard {
  cid: string;
  available: boolean;
}

/** `parentModelId` is what the training began from, null where that is no model of the registry. */
export interface Training {
  admin: Hex;
  transaction: TransactionLink;
  block: Block;
  trainingId: Hex;
  modelId: Hex;
  parentModelId: Hex | null;
  participants: number;
  metricsHash: Hex;
}

/** What the chain knows of a model, and the trainings that led to it, back to the first. */
export interface Lineage {
  modelId: Hex;
  name: string | null;
  status: ModelStatus;
  registered: ModelEvent | null;
  retired: ModelEvent | null;
  card: RegisteredCard | null;
  trainings: Training[];
}

/** The EIP-712 struct of the contract; `confidence` in basis points, `issuedAt` in Unix seconds. */
export interface SignedFields {
  imageId: Hex;
  modelId: Hex;
  label: number;
  confidence: number;
  manifestHash: Hex;
  issuedAt: number;
}

export interface Attestation {
  imageId: Hex;
  cid: string;
  uploader: Hex;
  diagnosis: SignedFields;
  signature: Hex;
  classifier: Hex;
  chainId: number;
  contract: Hex;
}

export interface AttestationRequest {
  manifestHash: Hex;
  uploader: Hex;
}

/**
 * `studyDate` is YYYY-MM-DD; the sender moved all dates of the patient by the same number of days. `pixels` is the
 * outlined area, `squareMm` the same where the file has the spacing of its pixels; null without an outline, for the
 * `reason`. `by` is whose outline it is.
 *
 * Of a study they are the largest outlined area of a slice, `slices` is the number of outlined slices, and `cubicMm`
 * the sum of their areas times the distance of slices, null where that is unknown or uneven. `pending`: ask again, not
 * all slices are outlined yet.
 */
export interface CourseEntry {
  imageId: Hex;
  cid: string;
  studyDate: string;
  kind: Kind;
  pixels: number | null;
  squareMm: number | null;
  by: OutlinedBy | null;
  reason: string | null;
  study: boolean;
  cubicMm: number | null;
  slices: number | null;
  pending: boolean;
}

/**
 * The images of the same patient that the same account recorded, or the studies of a study's patient, by study
 * date; areas in pixels are not to be compared. `reason` says why there are none.
 */
export interface Course {
  reason: string | null;
  entries: CourseEntry[];
}

export interface ReceivedStudy {
  model?: string | null;
}

/**
 * `text` says what to do with text in the picture: `keep` it, since it identifies nobody, or `mask` it, that is,
 * make its places black. `pinAnyway` pins to a public store what is recognised as no medical image. `magnification`
 * is that of the microscope, for an image of tissue: what the uploader says of it, beside what was said before, or in
 * its place where `magnificationCorrected`.
 */
export interface Answers {
  text?: "ask" | "keep" | "mask";
  pinAnyway?: boolean;
  magnification?: 40 | 100 | 200 | 400 | null;
  magnificationCorrected?: boolean;
}

export interface AddedWrap {
  password: string;
  wrap: NewWrap;
}

/** A field of a slide in pixels of the full size; `labelCode` is 0 where model or gate abstained. */
export interface Tile {
  x: number;
  y: number;
  width: number;
  height: number;
  label: string;
  labelCode: number;
  confidence: number;
  abstained: boolean;
}

/** A sealed manifest is not served. */
export interface ClassificationLinks {
  manifest?: string;
}

/** `confidence` and `probabilities` are in [0, 1]; `labelCode` is 0 when the model abstained. */
export interface Classification {
  cid: string;
  label: string;
  labelCode: number;
  labelText: string;
  confidence: number;
  probabilities: {
    [k: string]: number;
  };
  abstained: boolean;
  reason: string | null;
  /** Why not to rely on the model, where there is reason to say so. */
  weak: string | null;
  model: ModelIdentity;
  manifestHash: Hex;
  manifestCid: string;
  manifest: {
    [k: string]: unknown;
  };
  /** If true, this answer is the only copy of the result. */
  sealed: boolean;
  /** The manifest of a sealed result; it proves the result to others. */
  opening: string | null;
  /** The fields of a whole slide that were looked at; null for another image. */
  tiles: Tile[] | null;
  /** A PNG as data URL. */
  activationMap: string | null;
  nextSteps: NextStep[];
  kind: Kind;
  /** Of the microscope whose images the model knows; null for others. */
  expectedMagnification: number | null;
  links: ClassificationLinks;
}

export interface ClassificationRequest {
  model?: string | null;
  sealed?: boolean;
}

export interface StatementLinks {
  statement: string;
}

export interface PublishedStatement {
  reviewId: Hex;
  links: StatementLinks;
}

/** Nothing of the record up to and with this block was left out. */
export interface Completeness {
  block: Block;
}

/** A review of a diagnosis that was never recorded: any reviewer can add it, and it changes nothing. */
export interface Noise {
  reviewId: Hex;
  diagnosisId: Hex;
  reviewer: Hex;
  verdict: Verdict;
  transaction: TransactionLink;
  block: Block;
}

export interface VerifiedDiagnosis {
  diagnosisId: Hex;
  status: DiagnosisStatus;
}

export interface Check {
  name: string;
  passed: boolean;
  expected: string;
  found: string;
}

/** `completeness` is null when the registry's state does not show it. */
export interface Verification {
  imageId: Hex;
  passed: boolean;
  verdict: Outcome;
  completeness: Completeness | null;
  /** At most 20 of `noiseCount`. */
  noise: Noise[];
  noiseCount: number;
  diagnoses: VerifiedDiagnosis[];
  checks: Check[];
}

/** `required` is the number of confirmations from which on a transaction counts as confirmed. */
export interface TransactionStatus {
  hash: Hex;
  state: TransactionState;
  confirmations: number;
  required: number;
  block: Block | null;
  gasUsed: number | null;
  sender: Hex | null;
  nonce: number | null;
  revertReason: string | null;
  explorerUrl: string | null;
  imageIds: Hex[];
}

/**
 * `keyId` is the SHA-256 of the public key in DER, `publicKey` is in PEM. Times in Unix seconds; nothing new is
 * encrypted to a key that ended.
 */
export interface PublicKey {
  keyId: string;
  kind: AccountKeyKind;
  publicKey: string;
  createdAt: number;
  endedAt: number | null;
}

export interface AccountExport {
  schema: "scanproof.account/1";
  account: Account;
  credentials: CredentialsOverview;
  keys: PublicKey[];
  sessions: Session[];
  events: AccountEvent[];
}
