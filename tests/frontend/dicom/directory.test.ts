import { describe, expect, it } from "vitest";
import { DicomError } from "../../../frontend/src/dicom/dicom-error";
import { referencedFiles } from "../../../frontend/src/dicom/directory";
import { bytesOf, DIRECTORY_RECORDS, read, write, type DataSet, type Element } from "../../../frontend/src/dicom/elements";
import { isDirectory, listedBy } from "../../../frontend/src/state/study-files";

const [ROOT, NEXT, LOWER, FILE] = [0x00041200, 0x00041400, 0x00041420, 0x00041500];
type Written = [next: number, lower: number, path: string];

/** As `directory` of the tests in Python: records by their numbers from 1. */
async function directory(records: Written[], root = 1): Promise<Uint8Array<ArrayBuffer>> {
  const made = (starts: number[]) => {
    const offset = (tag: number, number: number): Element => {
      const value = new DataView(new ArrayBuffer(4));
      value.setUint32(0, starts[number - 1] ?? number, true);
      return { tag, vr: "UL", value: new Uint8Array(value.buffer) };
    };
    const items: DataSet[] = records.map(
      ([next, lower, path]) =>
        new Map([
          [NEXT, offset(NEXT, next)],
          [LOWER, offset(LOWER, lower)],
          [FILE, { tag: FILE, vr: "CS", value: bytesOf(path) }],
        ]),
    );
    const syntax: Element = { tag: 0x00020010, vr: "UI", value: bytesOf("1.2.840.10008.1.2.1") };
    return write([syntax], [offset(ROOT, root), { tag: DIRECTORY_RECORDS, vr: "SQ", value: new Uint8Array(), items }]);
  };
  const { dataSet } = await read(made(records.map(() => 0)));
  return made(dataSet.get(DIRECTORY_RECORDS)?.starts ?? []);
}

describe("a DICOM directory", () => {
  it("names the files of all levels once", async () => {
    const content = await directory([[0, 2, ""], [3, 4, ""], [0, 0, "B\\2"], [5, 0, "A\\1"], [0, 0, "A\\1 "], [0, 0, "NOT\\USED"]]);
    expect((await referencedFiles(content)).sort()).toEqual(["A/1", "B/2"]);
  });

  it.each<[string, Written[], string]>([
    ["a circle", [[2, 0, "A"], [0, 1, "B"]], "without circles, found a record that leads back to itself"],
    ["an offset that lies", [[7, 0, "A"]], "expected a directory record at byte 7, found none"],
    ["a path that climbs", [[0, 0, "..\\A"]], "expected paths within the folder"],
    ["an absolute path", [[0, 0, "\\A"]], "expected paths within the folder"],
    ["a drive", [[0, 0, "C:\\A"]], "expected paths within the folder"],
    ["too many parts", [[0, 0, `${"A\\".repeat(8)}B`]], "expected paths within the folder"],
  ])("is refused with %s", async (_, records, message) => {
    const content = await directory(records);
    await expect(referencedFiles(content)).rejects.toThrow(message);
    await expect(referencedFiles(content)).rejects.toBeInstanceOf(DicomError);
  });

  it("is refused without records", async () => {
    const content = write([], [{ tag: ROOT, vr: "UL", value: new Uint8Array(4) }]);
    await expect(referencedFiles(content)).rejects.toThrow("found a file without directory records");
  });

  it("shows which of its files are missing, whatever their case", () => {
    expect(listedBy("disc/DICOMDIR", ["A/1", "A/2"], ["disc/DICOMDIR", "disc/a/1", "A/2"])).toEqual([
      { name: "disc/DICOMDIR", reason: "a directory of 2 files, of which 1 are missing" },
      { name: "disc/A/2", reason: "named by disc/DICOMDIR, but missing" },
    ]);
    expect(["DICOMDIR", "disc/dicomdir", "DICOMDIR/a", "a.dcm"].map(isDirectory)).toEqual([true, true, false, false]);
  });
});
