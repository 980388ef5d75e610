/** A frame of a DICOM file as the viewer draws it. Source: PS3.3, C.7.6.3, C.7.6.16, C.11.1 and C.11.2. */

import type { DataSet, Element } from "dicom-parser";
import type { DicomFile } from "./dicom-file";
import { frameValues, type FrameValues } from "./dicom-values";
import type { Spacing } from "./geometry";
import { pictureRaster, rangeOf, unitRange, type Modality, type Raster } from "./raster";
import { robustRange } from "./robust-range";
import { AS_SEEN, brightness, CT_WINDOWS, look, rangeWindow, type NamedWindow, type Range, type Table, type Window, type WindowFunction } from "./windows";

/** Of the code of Physical Units (PS3.3, C.8.5.5.1.15). */
const CENTIMETRES = 3;
const MIN_CONTRAST = 1 / 255;

/** Raises RangeError for a frame that is damaged, not there, or of a kind that is not read here. */
export async function dicomRaster(file: DicomFile, frame: number): Promise<Raster> {
  const found = await frameValues(file, frame);
  const spacing = spacingOf(file.dataSet, frame);
  const { columns: width, rows: height } = file;
  if (file.samples === 3) return { ...pictureRaster({ width, height, data: colours(file, found) }), spacing };
  if (file.photometric === "PALETTE COLOR") return { ...pictureRaster({ width, height, data: paletteColours(file, found.values) }), spacing };
  const { values } = found;
  const stored = rangeOf(values);
  const modality = modalityOf(file, frame);
  const windows = windowsOf(file, frame, { width, height, values, stored, modality });
  return { width, height, values, colour: false, stored, modality, windows, inverse: file.photometric === "MONOCHROME1", spacing };
}

function colours({ stored }: DicomFile, { values, ybr }: FrameValues): Uint8ClampedArray<ArrayBuffer> {
  const scale = 255 / ((1 << stored) - 1);
  const out = new Uint8ClampedArray((values.length / 3) * 4);
  for (let from = 0, to = 0; from < values.length; from += 3, to += 4) {
    const [first, second, third] = [(values[from] ?? 0) * scale, (values[from + 1] ?? 0) * scale, (values[from + 2] ?? 0) * scale];
    // PS3.3, C.7.6.3.1.2.
    const [blue, red] = [second - 128, third - 128];
    out[to] = ybr ? first + 1.402 * red : first;
    out[to + 1] = ybr ? first - 0.344136 * blue - 0.714136 * red : second;
    out[to + 2] = ybr ? first + 1.772 * blue : third;
    out[to + 3] = 255;
  }
  return out;
}

function paletteColours(file: DicomFile, values: FrameValues["values"]): Uint8ClampedArray<ArrayBuffer> {
  const tables = (["1", "2", "3"] as const).map((colour) => tableOf(file.dataSet, `x0028110${colour}`, `x0028120${colour}`, file.signed).table);
  // Some files name 16 bits and use 8.
  const wide = tables.some(({ entries }) => entries.some((entry) => entry > 255));
  const out = new Uint8ClampedArray(values.length * 4).fill(255);
  values.forEach((value, at) => {
    tables.forEach((table, channel) => {
      const entry = look(table, value);
      out[4 * at + channel] = wide ? entry >> 8 : entry;
    });
  });
  return out;
}

function modalityOf({ dataSet, signed }: DicomFile, frame: number): Modality {
  const macro = functional(dataSet, frame, "x00289145") ?? dataSet;
  const item = macro.elements.x00283000?.items?.[0]?.dataSet;
  if (item) return tableOf(item, "x00283002", "x00283006", signed).table;
  const [slope = 1, intercept = 0] = [macro.floatString("x00281053"), macro.floatString("x00281052")];
  if (slope === 0 || !Number.isFinite(slope) || !Number.isFinite(intercept)) return refuse("a Rescale Slope that is not 0", "another");
  return { slope, intercept };
}

type Pixels = Pick<Raster, "width" | "height" | "values" | "stored" | "modality">;

function windowsOf(file: DicomFile, frame: number, pixels: Pixels): Raster["windows"] {
  const range = unitRange(pixels);
  const named = fileWindows(file, frame, range).filter((window) => showsSomething(window, range));
  const others = [rangeWindow("All values", range), ...(file.dataSet.string("x00080060") === "CT" ? CT_WINDOWS : [])];
  const [first = computedWindow(file, pixels), ...more] = named;
  const seen = { ...first, name: first.name ? `${AS_SEEN}: ${first.name}` : AS_SEEN };
  return [seen, ...more.filter(({ name }) => name !== ""), ...others];
}

/** A window beside all pixels, as some exports have, shows nothing. */
function showsSomething(window: Window, { low, high }: Range): boolean {
  return window.table !== undefined || low === high || Math.abs(brightness(high, window) - brightness(low, window)) > MIN_CONTRAST;
}

/** The look-up tables of the file, and its windows. */
function fileWindows({ dataSet, signed }: DicomFile, frame: number, { low, high }: Range): NamedWindow[] {
  const macro = functional(dataSet, frame, "x00289132") ?? dataSet;
  const item = macro.elements.x00283010?.items?.[0]?.dataSet;
  const tables = item ? [voiTable(item, signed)] : [];
  const shape = macro.string("x00281056") ?? "LINEAR";
  const least = { LINEAR: 1, LINEAR_EXACT: 0, SIGMOID: 0 }[shape];
  const [centers, widths] = [numbers(macro, "x00281050"), numbers(macro, "x00281051")];
  const explained = (macro.string("x00281055") ?? "").split("\\");
  const windows = centers.map((center, index) => ({ center, width: widths[index] ?? 0, name: explained[index]?.trim() ?? "" }));
  return [
    ...tables.map((table) => ({ ...rangeWindow("", { low, high }), table })),
    ...windows
      .filter(({ width }) => least !== undefined && width >= least && width > 0)
      .map((window) => ({ ...window, shape: shape as WindowFunction })),
  ];
}

function voiTable(item: DataSet, signed: boolean): Table {
  const { table, bits } = tableOf(item, "x00283002", "x00283006", signed);
  const most = Math.max(2 ** bits - 1, rangeOf(table.entries).high);
  return { first: table.first, entries: table.entries.map((entry) => entry / most) };
}

/** Where the file names none: 8 bits are brightness already, of others the percentiles of what is no outlier. */
function computedWindow({ dataSet, stored: bits, signed }: DicomFile, pixels: Pixels): NamedWindow {
  const { modality } = pixels;
  if (bits <= 8 && !("entries" in modality) && modality.slope === 1 && modality.intercept === 0) {
    const low = signed ? -(1 << (bits - 1)) : 0;
    return rangeWindow("", { low, high: low + (1 << bits) - 1 });
  }
  const stored = robustRange(pixels, pixels.stored, padding(dataSet, signed));
  return rangeWindow("", unitRange({ modality, stored }));
}

/** Stored values that are no part of the picture (PS3.3, C.7.5.1.1.2). */
function padding(dataSet: DataSet, signed: boolean): Range | null {
  const read = (tag: string) => (signed ? dataSet.int16(tag) : dataSet.uint16(tag));
  const value = read("x00280120");
  if (value === undefined) return null;
  const limit = read("x00280121") ?? value;
  return { low: Math.min(value, limit), high: Math.max(value, limit) };
}

function tableOf(dataSet: DataSet, descriptor: string, data: string, signed: boolean): { table: Table; bits: number } {
  const element = dataSet.elements[data];
  const count = dataSet.uint16(descriptor, 0);
  const bits = dataSet.uint16(descriptor, 2) ?? 0;
  if (!element || count === undefined || bits < 8 || bits > 16) return refuse("a whole look-up table", "none");
  const length = count === 0 ? 65_536 : count;
  const bytes = element.length < 2 * length;
  if (element.length < length) return refuse(`a look-up table of ${length} entries`, "fewer");
  const { byteArray } = dataSet;
  const entries = Float64Array.from({ length }, (_, index) => (bytes ? (byteArray[element.dataOffset + index] ?? 0) : (dataSet.uint16(data, index) ?? 0)));
  const first = (signed ? dataSet.int16(descriptor, 1) : dataSet.uint16(descriptor, 1)) ?? 0;
  return { table: { first, entries }, bits };
}

/** The item of a functional group of an enhanced image, of the frame or shared (PS3.3, C.7.6.16). */
function functional(dataSet: DataSet, frame: number, tag: string): DataSet | undefined {
  const item = (element: Element | undefined, index: number) => element?.items?.[index]?.dataSet;
  const { x52009230: frames, x52009229: shared } = dataSet.elements;
  for (const group of [item(frames, frame), item(shared, 0)]) {
    const found = item(group?.elements[tag], 0);
    if (found) return found;
  }
  return undefined;
}

/** In mm. */
function spacingOf(dataSet: DataSet, frame: number): Spacing | null {
  const measures = functional(dataSet, frame, "x00289110") ?? dataSet;
  for (const tag of ["x00280030", "x00181164", "x00182010"]) {
    const [y = 0, x = 0] = numbers(measures, tag);
    if (x > 0 && y > 0) return { x, y };
  }
  const regions = dataSet.elements.x00186011?.items ?? [];
  const region = regions.length === 1 ? regions[0]?.dataSet : undefined;
  if (region?.uint16("x00186024") !== CENTIMETRES) return null;
  const [x, y] = [region.double("x0018602c") ?? 0, region.double("x0018602e") ?? 0];
  return x !== 0 && y !== 0 ? { x: Math.abs(x) * 10, y: Math.abs(y) * 10 } : null;
}

const numbers = (dataSet: DataSet, tag: string): number[] =>
  (dataSet.string(tag) ?? "").split("\\").filter((text) => text.trim() !== "").map(Number).filter(Number.isFinite);

function refuse(expected: string, found: string): never {
  throw new RangeError(`expected a DICOM file with ${expected}, found ${found}`);
}
