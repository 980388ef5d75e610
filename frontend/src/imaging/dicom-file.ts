/** A DICOM file: what it says of its pixels, checked. Source: PS3.3, C.7.6.3; PS3.5, annex A; PS3.10, section 7. */

import * as dicomParser from "dicom-parser";
import type { DataSet, Element } from "dicom-parser";
import { joined } from "../bytes";
import { inflate } from "../inflate";
import { storedFormat } from "./formats";
import { MAX_PIXELS } from "./raster";

const MAX_FRAMES = 65_536;
/** Of a deflated file. */
const MAX_INFLATED = 256 * 1024 * 1024;
const IMPLICIT = "1.2.840.10008.1.2";
const EXPLICIT = "1.2.840.10008.1.2.1";
const BIG_ENDIAN = "1.2.840.10008.1.2.2";
const DEFLATED = "1.2.840.10008.1.2.1.99";

export type Coding = "native" | "rle" | "jpeg" | "jpeg-ls" | "jpeg-2000";

const CODINGS: Record<string, Coding> = {
  [IMPLICIT]: "native",
  [EXPLICIT]: "native",
  [BIG_ENDIAN]: "native",
  [DEFLATED]: "native",
  "1.2.840.10008.1.2.5": "rle",
  "1.2.840.10008.1.2.4.50": "jpeg",
  "1.2.840.10008.1.2.4.51": "jpeg",
  "1.2.840.10008.1.2.4.57": "jpeg",
  "1.2.840.10008.1.2.4.70": "jpeg",
  "1.2.840.10008.1.2.4.80": "jpeg-ls",
  "1.2.840.10008.1.2.4.81": "jpeg-ls",
  "1.2.840.10008.1.2.4.90": "jpeg-2000",
  "1.2.840.10008.1.2.4.91": "jpeg-2000",
  "1.2.840.10008.1.2.4.201": "jpeg-2000",
  "1.2.840.10008.1.2.4.202": "jpeg-2000",
  "1.2.840.10008.1.2.4.203": "jpeg-2000",
};

const PHOTOMETRIC = ["MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"] as const;

export interface DicomFile {
  dataSet: DataSet;
  pixels: Element;
  coding: Coding;
  bigEndian: boolean;
  rows: number;
  columns: number;
  frames: number;
  samples: 1 | 3;
  /** 1, 8 or 16. */
  allocated: number;
  /** Bits of a value. */
  stored: number;
  signed: boolean;
  photometric: (typeof PHOTOMETRIC)[number];
  /** Whether uncompressed colours are in planes. */
  planar: boolean;
}

/** Raises RangeError, which names what was expected, for files that are damaged or have no pixels that are read here. */
export async function readDicom(content: Uint8Array<ArrayBuffer>): Promise<DicomFile> {
  const { dataSet, syntax } = await parse(content);
  const coding = CODINGS[syntax];
  if (!coding) throw new RangeError(`expected a DICOM file in a transfer syntax for still images, found ${syntax}`);
  const pixels = dataSet.elements.x7fe00010;
  if (!pixels) throw new RangeError("expected a DICOM file with integer pixels, found none");
  if ((coding !== "native") !== (pixels.fragments !== undefined)) throw new RangeError("expected pixels as the transfer syntax has them");
  const allocated = whole(dataSet, "x00280100", [1, 8, 16], "Bits Allocated");
  const stored = dataSet.uint16("x00280101") ?? allocated;
  const highBit = dataSet.uint16("x00280102") ?? stored - 1;
  if (stored < 1 || stored > allocated || highBit !== stored - 1) {
    throw new RangeError(`expected Bits Stored from 1 to ${allocated} and the High Bit below it, found ${stored} and ${highBit}`);
  }
  const photometric = PHOTOMETRIC.find((name) => name === dataSet.string("x00280004"));
  if (!photometric) throw new RangeError(`expected a known colour space in a DICOM file, found ${dataSet.string("x00280004") ?? "none"}`);
  const samples = whole(dataSet, "x00280002", [photometric.length < 6 || photometric.startsWith("YBR") ? 3 : 1], "Samples per Pixel") as 1 | 3;
  const [rows, columns] = [dataSet.uint16("x00280010") ?? 0, dataSet.uint16("x00280011") ?? 0];
  if (rows === 0 || columns === 0 || rows * columns > MAX_PIXELS) {
    throw new RangeError(`expected a DICOM picture of 1 to ${MAX_PIXELS} pixels, found ${columns} × ${rows}`);
  }
  const frames = dataSet.intString("x00280008") ?? 1;
  if (!Number.isInteger(frames) || frames < 1 || frames > MAX_FRAMES) throw new RangeError(`expected 1 to ${MAX_FRAMES} frames in a DICOM file`);
  return {
    dataSet,
    pixels,
    coding,
    bigEndian: syntax === BIG_ENDIAN,
    rows,
    columns,
    frames,
    samples,
    allocated,
    stored,
    signed: whole(dataSet, "x00280103", [0, 1], "Pixel Representation", 0) === 1,
    photometric,
    planar: dataSet.uint16("x00280006") === 1,
  };
}

function whole(dataSet: DataSet, tag: string, allowed: readonly number[], name: string, missing?: number): number {
  const value = dataSet.uint16(tag) ?? missing;
  if (value === undefined || !allowed.includes(value)) {
    throw new RangeError(`expected a DICOM file whose ${name} is ${allowed.join(" or ")}, found ${value ?? "none"}`);
  }
  return value;
}

async function parse(content: Uint8Array<ArrayBuffer>): Promise<{ dataSet: DataSet; syntax: string }> {
  try {
    if (storedFormat(content) !== "dicom") {
      const explicit = /^[A-Z]{2}$/.test(String.fromCharCode(content[4] ?? 0, content[5] ?? 0));
      const syntax = explicit ? EXPLICIT : IMPLICIT;
      return { dataSet: dicomParser.parseDicom(content, { TransferSyntaxUID: syntax }), syntax };
    }
    const dataSet = await parseWithPrefix(content);
    return { dataSet, syntax: dataSet.string("x00020010") ?? IMPLICIT };
  } catch (error) {
    if (error instanceof RangeError && error.message.startsWith("expected")) throw error;
    throw new RangeError(`expected a whole DICOM file, found one that cannot be read: ${reasonOf(error).slice(0, 200)}`, { cause: error });
  }
}

async function parseWithPrefix(content: Uint8Array<ArrayBuffer>): Promise<DataSet> {
  const deflated: number[] = [];
  // The library asks for all of it at once, and the browser inflates in parts: so it is read twice.
  const inflater = (_: Uint8Array, position: number) => {
    deflated.push(position);
    throw new Error("deflated");
  };
  try {
    return dicomParser.parseDicom(content, { inflater });
  } catch (error) {
    const [start] = deflated;
    if (start === undefined) throw error;
    const dataSet = await inflate(content.subarray(start), "deflate-raw", MAX_INFLATED);
    const whole = joined([content.subarray(0, start), dataSet]);
    return dicomParser.parseDicom(content, { inflater: () => whole });
  }
}

/** The library throws texts, errors, and errors in objects. */
function reasonOf(error: unknown): string {
  const { exception = error } = (typeof error === "object" && error !== null ? error : {}) as { exception?: unknown };
  return exception instanceof Error ? exception.message : typeof exception === "string" ? exception : "unknown";
}
