/** Reads a DICOMDIR, the directory of a disc or folder, as `backend/adapters/dicom/directory.py` does. */

import { DicomError } from "./dicom-error";
import { DIRECTORY_RECORDS, read, textOf, type DataSet } from "./elements";
import { viewOf } from "./values";

const ROOT = 0x00041200;
const NEXT = 0x00041400;
const LOWER = 0x00041420;
const FILE = 0x00041500;
const COMPONENT = /^[A-Za-z0-9_][A-Za-z0-9_ .-]{0,63}$/;
const MOST_COMPONENTS = 8;

/**
 * The paths of the files that the records of a directory name, from its own folder, each once. Raises DicomError for a
 * file that is none or damaged, for records that name others that are not there or lead back to themselves, and for
 * paths that leave the folder.
 */
export async function referencedFiles(content: Uint8Array<ArrayBuffer>): Promise<string[]> {
  const { dataSet } = await read(content);
  const { items, starts = [] } = dataSet.get(DIRECTORY_RECORDS) ?? {};
  if (!items) throw new DicomError("expected a DICOM directory, found a file without directory records");
  const records = new Map(starts.map((start, place) => [start, items[place] ?? new Map()] as [number, DataSet]));
  const waiting = [offsetOf(dataSet, ROOT)];
  const seen = new Set<number>();
  const found = new Set<string>();
  for (let offset = waiting.pop(); offset !== undefined; offset = waiting.pop()) {
    if (offset === 0) continue;
    if (seen.has(offset)) {
      throw new DicomError("expected a DICOM directory without circles, found a record that leads back to itself");
    }
    const record = records.get(offset);
    if (!record) throw new DicomError(`expected a directory record at byte ${offset}, found none`);
    seen.add(offset);
    const path = textOf(record.get(FILE));
    if (path) found.add(checked(path));
    waiting.push(offsetOf(record, NEXT), offsetOf(record, LOWER));
  }
  return [...found];
}

function offsetOf(dataSet: DataSet, tag: number): number {
  const element = dataSet.get(tag);
  return element?.value.length === 4 ? viewOf(element.value).getUint32(0, !element.bigEndian) : 0;
}

/** A File ID with its components between backslashes, as a path. */
function checked(path: string): string {
  const parts = path.split("\\").map((part) => part.replace(/^ +| +$/g, ""));
  if (parts.length > MOST_COMPONENTS || !parts.every((part) => COMPONENT.test(part))) {
    throw new DicomError("expected paths within the folder in a DICOM directory, found another one");
  }
  return parts.join("/");
}
