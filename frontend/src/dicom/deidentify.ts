/**
 * De-identifies a DICOM file before it leaves the page, by the table `rules` (PS3.15, Annex E). The same file and key
 * give the same bytes as `backend/adapters/dicom/deidentification.py`.
 */

import { areSame, hex, sha256 } from "../bytes";
import { DicomError } from "./dicom-error";
import {
  bytesOf,
  EXPLICIT_LITTLE,
  fits,
  PIXEL_DATA,
  PREAMBLE_BYTES,
  read,
  textOf,
  write,
  type DataSet,
  type DicomFile,
  type Element,
} from "./elements";
import { areExtendedOffsets, encapsulated, factsOf, native, type PixelFacts } from "./pixels";
import { NoReplacement, Replacement, type Replacing } from "./replacement";
import { ATTRIBUTES, METHODS, nameOf, VERSION, type Rule } from "./rules";
import * as values from "./values";

const IMPLEMENTATION_UID = "2.25.175826310265438120517930183926174059133";
const IMPLEMENTATION_NAME = "SCANPROOF";
const SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7";
const SOP_CLASS = 0x00080016;
const SOP_INSTANCE = 0x00080018;
const STUDY = 0x0020000d;
const PATIENT_NAME = 0x00100010;
const PATIENT_ID = 0x00100020;
const ISSUER = 0x00100021;
const BIRTH_DATE = 0x00100030;
const SERIES = 0x0020000e;
const SERIES_DESCRIPTION = 0x0008103e;
/** Rows, Columns, Instance Number, Image Position and Orientation (Patient), Temporal Position Identifier. */
const PLACES = [0x00280010, 0x00280011, 0x00200013, 0x00200032, 0x00200037, 0x00200100];
const HASHED_BYTES = 4 * 1024 ** 2;
const IMPLEMENTATION = 0x00020012;
const REMOVED = 0x00120062;
const OFFSETS = 0x7fe00001;
const LENGTHS = 0x7fe00002;
const PIXELS = [PIXEL_DATA, 0x7fe00008, 0x7fe00009];
const WRITTEN_META = [0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020013];
const STANDARD_CLASS = /^1\.2\.840\.10008\.5\.1\.4\.1\.1(\.\d{1,5}){1,4}$/;

/** How often each attribute was removed, replaced by a new UID, date, pseudonym or nothing, or kept in part. */
export interface Report {
  removed: Map<string, number>;
  replaced: Map<string, number>;
  cleaned: Map<string, number>;
}

export interface Deidentified {
  /** The bytes; made when they are asked for, since a file of many frames is large. */
  readonly content: Uint8Array<ArrayBuffer>;
  /** What the bytes hold. */
  file: Pick<DicomFile, "meta" | "dataSet" | "syntax">;
  /** The new SOP Instance UID. */
  instance: string;
  report: Report;
  /** Whether it was de-identified before, and stayed as it was. */
  unchanged: boolean;
  /** Whether its pixels are compressed. */
  compressed: boolean;
  frames: number;
  /** Of a value of a pixel. */
  bits: number;
  /** Without identifiers, for the page: the pseudonym, the new Series Instance UID, and words of its description. */
  patient: string;
  series: string;
  description: string;
  /** SHA-256 of the pixels and of their place, which the copies of one image have in common. */
  likeness: string;
  /** The new UIDs by the old ones: with them, the sender finds its own study again. */
  uids: Map<string, string>;
  /** What was read, in which the identifiers are. */
  source: DataSet;
}

/**
 * `key` is the sender's HMAC-SHA256 key. A file that these rules made, and would only give other UIDs and dates, stays as
 * it is: the copies of a record must keep their CIDs. Raises DicomError.
 */
export async function deidentify(content: Uint8Array<ArrayBuffer>, key: CryptoKey): Promise<Deidentified> {
  const file = await read(content);
  if (wasMadeHere(file)) {
    const checked = await new Rewriting(file, "", new NoReplacement(textOf(file.dataSet.get(PATIENT_ID)))).run();
    if (areSame(checked.content, content)) return { ...checked, content, unchanged: true };
  }
  // Only a file without a UID of its own gets one by its bytes.
  const source = textOf(file.dataSet.get(SOP_INSTANCE)) ? "" : `sha256:${await digestOf(content)}`;
  const replacement = await Replacement.of(key, patientOf(file.dataSet), [...uidsOf(file.dataSet), source]);
  return new Rewriting(file, source, replacement).run();
}

/** Whether a file says that these rules made it, before it is looked at whole. */
function wasMadeHere({ meta, dataSet }: DicomFile): boolean {
  return textOf(meta.get(IMPLEMENTATION)) === IMPLEMENTATION_UID && textOf(dataSet.get(REMOVED)) === "YES";
}

/** What tells this patient from others: the id with its issuer, else the name, else the study. */
function patientOf(dataSet: DataSet): string {
  const of = (tag: number) => textOf(dataSet.get(tag));
  if (of(PATIENT_ID)) return `id\0${of(PATIENT_ID)}\0${of(ISSUER)}`;
  if (of(PATIENT_NAME)) return `name\0${of(PATIENT_NAME)}\0${of(BIRTH_DATE)}`;
  return `study\0${of(STUDY)}`;
}

/** All UIDs that will be replaced. */
function* uidsOf(dataSet: DataSet): Generator<string> {
  for (const element of dataSet.values()) {
    const rule = ATTRIBUTES.get(element.tag)?.rule;
    if (rule === "uid") yield textOf(element);
    if (rule !== "sequence") continue;
    for (const item of element.items ?? []) yield* uidsOf(item);
  }
}

class Rewriting {
  private readonly facts: PixelFacts;
  private readonly report: Report = { removed: new Map(), replaced: new Map(), cleaned: new Map() };
  private readonly uids = new Map<string, string>();
  private readonly kinds: Record<string, (element: Element, rule: Rule, source: DataSet) => Element | null> = {
    uid: (element) => this.uid(element),
    class: (element) => this.sopClass(element),
    date: (element) => this.replaced(element, this.replacement.date(textOf(element)) ?? "", textOf(element)),
    empty: (element) => this.replaced(element, "", textOf(element)),
    "patient-name": (element) => this.patient(element),
    "patient-id": (element) => this.patient(element),
    age: (element) => this.cleanedText(element, values.age),
    // `addRequired` gives these: what the file has there is another's word.
    set: (element) => element,
    words: (element, rule) => this.words(element, rule),
    terms: (element, rule) => this.cleanedText(element, (text) => values.terms(rule, text)),
    numbers: (element, rule) => this.numbers(element, rule),
    binary: (element, rule) => (values.binary(rule, element.vr, element.value) ? element : null),
    pointers: (element, rule) => (values.pointers(rule, element.value) ? element : null),
    table: (element, rule, source) =>
      this.table(element, rule, source, (descriptor) => values.tableBytes(descriptor, element.value.length)),
    segments: (element, rule, source) =>
      this.table(element, rule, source, (descriptor) => values.segmentsBytes(descriptor, element.value)),
    sequence: (element) => ({ ...element, vr: "SQ", items: (element.items ?? []).map((item) => this.dataSet(item, false)) }),
    pixels: (element) => this.pixelData(element),
    offsets: (element, _, source) => this.offsets(element, source),
  };

  constructor(
    private readonly file: DicomFile,
    private readonly sourceId: string,
    private readonly replacement: Replacing,
  ) {
    this.facts = factsOf(file.dataSet);
  }

  async run(): Promise<Deidentified> {
    const source = this.file.dataSet;
    if (!PIXELS.some((tag) => source.has(tag))) {
      throw new DicomError("expected a DICOM image, found a DICOM object without pixel data");
    }
    const { stream } = this.file.syntax;
    if (Boolean(source.get(PIXEL_DATA)?.fragments) !== Boolean(stream)) {
      const found = stream ? "native ones" : "encapsulated ones";
      throw new DicomError(`expected pixel data as the transfer syntax says, found ${found}`);
    }
    const kept = this.dataSet(source, true);
    this.addRequired(kept);
    const ordered = [...kept.values()].sort((one, other) => one.tag - other.tag);
    const meta = this.meta(kept);
    let content: Uint8Array<ArrayBuffer> | undefined;
    const of = (tag: number) => textOf(kept.get(tag));
    return {
      get content() {
        return (content ??= write(meta, ordered));
      },
      file: { meta: new Map(meta.map((element) => [element.tag, element])), dataSet: kept, syntax: this.file.syntax },
      instance: of(SOP_INSTANCE),
      report: this.report,
      unchanged: false,
      compressed: Boolean(stream),
      frames: this.facts.frames,
      bits: this.facts.allocated,
      patient: of(PATIENT_ID),
      series: of(SERIES),
      description: of(SERIES_DESCRIPTION),
      likeness: await likenessOf(kept),
      uids: this.uids,
      source,
    };
  }

  private dataSet(source: DataSet, root: boolean): DataSet {
    const kept: DataSet = new Map();
    for (const tag of [...source.keys()].sort((one, other) => one - other)) {
      const rule = ATTRIBUTES.get(tag);
      const element = source.get(tag);
      const usable = rule && element && (root || !rule.root) ? this.usable(element, rule) : null;
      const made = usable && rule ? (this.kinds[rule.rule]?.(usable, rule, source) ?? null) : null;
      if (made && fits(made.vr, made.value)) kept.set(tag, made);
      else count(this.report.removed, nameOf(tag));
    }
    return kept;
  }

  /** The element with a VR of the rule, and with its value in little endian; null where it has another VR. */
  private usable(element: Element, rule: Rule): Element | null {
    let vr = element.vr === "" || element.vr === "UN" ? (rule.vr[0] ?? "") : element.vr;
    if (rule.vr.join() === "US,SS" && vr !== element.vr) vr = this.facts.signed ? "SS" : "US";
    if (!rule.vr.includes(vr) || Boolean(element.items) !== (vr === "SQ")) return null;
    if (element.fragments && rule.rule !== "pixels") return null;
    if (rule.rule === "pixels" || element.items) return { ...element, vr };
    const value = values.littleEndian(element.value, element.bigEndian ? values.numberBytes(vr) : 1);
    return { tag: element.tag, vr, value };
  }

  private replaced(element: Element, text: string, old: string): Element {
    if (text !== old) count(this.report.replaced, nameOf(element.tag));
    return { ...element, value: bytesOf(text) };
  }

  private cleaned(element: Element, value: Uint8Array, changed: boolean): Element {
    if (changed) count(this.report.cleaned, nameOf(element.tag));
    return { ...element, value };
  }

  private uid(element: Element): Element | null {
    const old = textOf(element);
    if (!old) return element.tag === SOP_INSTANCE ? null : { ...element, value: new Uint8Array() };
    return this.newUid(element, old);
  }

  private newUid(element: Element, old: string): Element | null {
    const made = this.replacement.uid(old);
    if (made === null) return null;
    if (made !== old) this.uids.set(old, made);
    return this.replaced(element, made, old);
  }

  private sopClass(element: Element): Element {
    const old = textOf(element);
    return this.replaced(element, STANDARD_CLASS.test(old) ? old : SECONDARY_CAPTURE, old);
  }

  private patient(element: Element): Element | null {
    const made = this.pseudonym(element.tag);
    return made === null ? null : this.replaced(element, made, textOf(element));
  }

  private pseudonym(tag: number): string | null {
    const { patientId } = this.replacement;
    return patientId === null || tag === PATIENT_ID ? patientId : `ScanProof^${patientId.replace("SP-", "")}`;
  }

  /** `keep` gives what stays of a text that is not empty, null for nothing. */
  private cleanedText(element: Element, keep: (text: string) => string | null): Element | null {
    const old = textOf(element);
    const made = old ? keep(old) : "";
    if (made === null) return null;
    const parts = old.split("\\").map(values.trimmed).join("\\");
    return this.cleaned(element, bytesOf(made), made !== parts);
  }

  private words(element: Element, rule: Rule): Element | null {
    const old = textOf(element);
    const made = values.words(rule, old);
    return made ? this.cleaned(element, bytesOf(made), made !== old) : null;
  }

  private numbers(element: Element, rule: Rule): Element | null {
    const old = textOf(element);
    const made = old ? values.numbers(rule, old) : "";
    return made === null ? null : { ...element, value: bytesOf(made) };
  }

  private table(
    element: Element,
    rule: Rule,
    source: DataSet,
    bytes: (descriptor: Uint8Array) => number,
  ): Element | null {
    const tag = Number.parseInt(rule.descriptor ?? "", 16);
    const found = source.get(tag);
    const described = ATTRIBUTES.get(tag);
    const descriptor = found && described ? this.usable(found, described) : null;
    if (descriptor?.value.length !== 6) return null;
    const length = bytes(descriptor.value);
    return this.cleaned(element, element.value.subarray(0, length), element.value.length > length);
  }

  private pixelData(element: Element): Element {
    const { tag, vr, fragments } = element;
    if (fragments) {
      const [kept, changed] = encapsulated(fragments, this.file.syntax, this.facts);
      return { ...this.cleaned(element, new Uint8Array(), changed), vr: "OB", fragments: kept };
    }
    const [value, changed] = native(element, this.facts);
    return this.cleaned({ tag, vr, value }, value, changed);
  }

  private offsets(element: Element, source: DataSet): Element | null {
    const [table, lengths] = [source.get(OFFSETS)?.value, source.get(LENGTHS)?.value];
    const data = source.get(PIXEL_DATA);
    const valid = table && lengths && data && areExtendedOffsets(table, lengths, data.fragments ?? []);
    return valid ? element : null;
  }

  /** Adds what every de-identified file has (PS3.15, section E.1.1): pseudonyms, method, and a UID of its own. */
  private addRequired(kept: DataSet): void {
    for (const tag of [PATIENT_NAME, PATIENT_ID]) {
      const made = this.pseudonym(tag);
      if (!kept.has(tag) && made !== null) this.put(kept, textElement(tag, ATTRIBUTES.get(tag)?.vr[0] ?? "", made));
    }
    if (!kept.has(SOP_CLASS)) this.put(kept, textElement(SOP_CLASS, "UI", SECONDARY_CAPTURE));
    if (!kept.has(SOP_INSTANCE)) {
      const made = this.newUid(textElement(SOP_INSTANCE, "UI", ""), this.sourceId);
      if (made) kept.set(SOP_INSTANCE, made);
    }
    const methods = METHODS.map(
      ({ value, meaning }) =>
        new Map([
          [0x00080100, textElement(0x00080100, "SH", value)],
          [0x00080102, textElement(0x00080102, "SH", "DCM")],
          [0x00080104, textElement(0x00080104, "LO", meaning)],
        ]),
    );
    this.put(kept, textElement(0x00120062, "CS", "YES"));
    this.put(kept, textElement(0x00120063, "LO", `ScanProof rules ${VERSION}`));
    this.put(kept, { ...textElement(0x00120064, "SQ", ""), items: methods });
    this.put(kept, textElement(0x00280303, "CS", "MODIFIED"));
  }

  /** `element`, with a word in the report unless the file has it. */
  private put(kept: DataSet, element: Element): void {
    const found = kept.get(element.tag);
    if (!found || plain(found) !== plain(element)) count(this.report.replaced, nameOf(element.tag));
    kept.set(element.tag, element);
  }

  /** The file meta information (PS3.10, section 7.1), with nothing of its former writer. */
  private meta(kept: DataSet): Element[] {
    const { preamble, meta, uid, syntax } = this.file;
    if (preamble.length !== PREAMBLE_BYTES || preamble.some(Boolean)) count(this.report.removed, "preamble");
    for (const tag of meta.keys()) {
      if (!WRITTEN_META.includes(tag)) count(this.report.removed, nameOf(tag));
    }
    const made = [
      textElement(0x00020001, "OB", "\0\x01"),
      textElement(0x00020002, "UI", textOf(kept.get(SOP_CLASS))),
      textElement(0x00020003, "UI", textOf(kept.get(SOP_INSTANCE))),
      textElement(0x00020010, "UI", syntax.stream ? uid : EXPLICIT_LITTLE),
      textElement(0x00020012, "UI", IMPLEMENTATION_UID),
      textElement(0x00020013, "SH", IMPLEMENTATION_NAME),
    ];
    for (const element of made.slice(1)) {
      if (textOf(meta.get(element.tag)) !== textOf(element)) count(this.report.replaced, nameOf(element.tag));
    }
    return made;
  }
}

/** Of the pixels, and of what tells the slices of a series from each other. */
async function likenessOf(kept: DataSet): Promise<string> {
  const parts: string[] = [];
  for (const { value, fragments } of PIXELS.flatMap((tag) => kept.get(tag) ?? [])) {
    for (const part of fragments ?? [value]) {
      // The browser copies what it hashes.
      for (let start = 0; start < part.length; start += HASHED_BYTES) parts.push(await digestOf(part.subarray(start, start + HASHED_BYTES)));
    }
  }
  return digestOf(bytesOf([...parts, ...PLACES.map((tag) => textOf(kept.get(tag)))].join("\0")));
}

async function digestOf(content: Uint8Array): Promise<string> {
  return hex(await sha256(content as Uint8Array<ArrayBuffer>));
}

function textElement(tag: number, vr: string, text: string): Element {
  return { tag, vr, value: bytesOf(text) };
}

/** What an element says, without padding and encoding. */
function plain(element: Element): string {
  if (!element.items) return JSON.stringify(textOf(element));
  return JSON.stringify(element.items.map((item) => [...item].map(([tag, inner]) => [tag, plain(inner)])));
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
