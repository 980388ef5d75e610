import { inflateRawSync } from "node:zlib";
import { beforeEach, expect, it, vi } from "vitest";
import type { StudyFile } from "../../../frontend/src/api/types";
import { deidentify } from "../../../frontend/src/dicom/deidentify";
import { StudyController } from "../../../frontend/src/pages/study-controller";
import { studyStepNumber } from "../../../frontend/src/state/study";
import type { SourceFile } from "../../../frontend/src/state/zip";
import { emptyBrowser, host } from "../browser";
import slides from "../slides/vectors.json";
import { limits } from "../samples";
import frames from "../dicom/frames.json";
import vectors from "../dicom/vectors.json";

/** What leaves the page, as text of one character a byte. */
const sent: string[] = [];
let begun: StudyFile[] = [];

const bytesOf = (input: string) => new Uint8Array(inflateRawSync(Buffer.from(input, "base64")));
const source = (name: string, content: Uint8Array<ArrayBuffer>): SourceFile => ({
  name,
  size: content.length,
  bytes: async () => content,
});

beforeEach(() => {
  emptyBrowser();
  sent.length = 0;
  begun = [];
  vi.stubGlobal("fetch", async (url: string, { body }: { body?: string | FormData | Uint8Array }) => {
    if (body instanceof FormData) {
      for (const part of body.values()) {
        sent.push(part instanceof File ? Buffer.from(await part.arrayBuffer()).toString("latin1") + part.name : part);
      }
    } else if (body) {
      sent.push(typeof body === "string" ? body : Buffer.from(body).toString("latin1"));
    }
    if (url.endsWith("/studies")) {
      begun = (JSON.parse(body as string) as { files: StudyFile[] }).files;
      return new Response(JSON.stringify({ studyId: "s", files: begun.length, missing: begun.map(({ sha256 }) => sha256) }));
    }
    // After the files, the study is of no interest here.
    const failed = url.endsWith("/classifications") || url.endsWith("/classify");
    return new Response("{}", { status: failed ? 400 : 200 });
  });
});

const page = { ...host, config: { limits } };
const PNG = new Uint8Array([0x89, 80, 78, 71, 13, 10, 26, 10]);

it("asks whose images to go on with, and sends those without identifiers and without their names", async () => {
  const [one, other] = [vectors.files[1]!, vectors.files[8]!];
  const control = new StudyController(page);
  const files = [source("DOE/1.dcm", bytesOf(one.input)), source("ROE/2.dcm", bytesOf(other.input)), source("DOE/photo.png", PNG)];
  await control.choose(files);

  if (control.flow?.step !== "patients") throw new Error("the page asked nothing");
  expect(sent).toEqual([]);
  const { patients } = control.flow;
  expect(patients.map(({ images, example }) => [images, example])).toEqual([[1, "DOE/1.dcm"], [1, "ROE/2.dcm"]]);
  expect(studyStepNumber(control.flow)).toBe(0);

  await control.choosePatient(patients[1]!.pseudonym);
  expect(control.flow).toMatchObject({ step: "originals" });
  expect(studyStepNumber(control.flow)).toBe(0);
  expect(control.originals.map(({ uids, files }) => [uids.size > 0, files.length])).toEqual([[true, 1]]);
  expect(sent).toEqual([]);
  await control.goOn();
  expect(begun.map(({ name }) => name)).toEqual([expect.stringMatching(/^2\.25\.\d+\.dcm$/), "slice-0003.png"]);
  expect([...control.names.values()]).toEqual(["ROE/2.dcm", "DOE/photo.png"]);
  expect(control.unsent).toEqual([{ name: "DOE/1.dcm", reason: "of another patient" }]);
  expect(sent.length).toBeGreaterThanOrEqual(3);
  const survived = [...one.planted, ...other.planted, "DOE", "ROE"].filter((text) => sent.some((part) => part.includes(text)));
  expect(survived).toEqual([]);

  const requests = sent.length;
  await control.choosePatient(patients[0]!.pseudonym);
  expect(sent.length).toBe(requests);
});

it("sends the frames of a file one by one", async () => {
  const control = new StudyController(page);
  await control.choose([source("DOE/loop.dcm", bytesOf(frames.files.classic.input))]);
  expect(control.originals.map(({ files }) => files.length)).toEqual([3]);
  await control.goOn();

  expect(begun.length).toBe(3);
  expect(new Set(begun.map(({ sha256 }) => sha256)).size).toBe(3);
  expect([...control.names.values()]).toEqual([1, 2, 3].map((frame) => `DOE/loop.dcm, frame ${frame}`));
  expect(sent.filter((part) => part.includes("DICM")).length).toBe(3);
});

it("leaves the original of a copy without identifiers out", async () => {
  const content = bytesOf(frames.files.enhanced.input);
  const key = await crypto.subtle.importKey("raw", new Uint8Array(32), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const { content: clean } = await deidentify(content, key);
  const control = new StudyController(page);
  await control.choose([source("a.dcm", content), source("clean/b.dcm", clean)]);

  expect(sent.filter((part) => part.includes("DICM")).length).toBe(2);
  expect([...control.names.values()]).toEqual(["clean/b.dcm, frame 1", "clean/b.dcm, frame 2"]);
  expect(control.unsent).toEqual([{ name: "a.dcm", reason: "the same image as clean/b.dcm, its copy without identifiers" }]);
});

it("says why nothing of a folder is an image", async () => {
  const control = new StudyController(page);
  await control.choose([source("DOE.pdf", new Uint8Array(Buffer.from("%PDF-1.7")))]);
  expect(sent).toEqual([]);
  expect(control.refusal).toMatchObject({ kind: "study-empty", title: "There is no image" });
  expect(control.refusal?.text).toBe("DOE.pdf: This is neither DICOM nor PNG, JPEG, TIFF, BMP or WebP. It stays on this computer.");
});

it("keeps a DICOM file in the page that it cannot de-identify", async () => {
  const empty = new Uint8Array([...new Array<number>(128).fill(0), 68, 73, 67, 77]);
  const control = new StudyController(page);
  await control.choose([source("DOE/DICOMDIR", empty), source("a.png", PNG), source("b.dcm", empty)]);

  expect(begun.map(({ name }) => name)).toEqual(["slice-0002.png"]);
  expect(control.unsent).toEqual([
    { name: "DOE/DICOMDIR", reason: "expected a DICOM directory, found a file without directory records" },
    { name: "b.dcm", reason: "expected a DICOM image, found a DICOM object without pixel data" },
  ]);

  await control.choose([source("DOE/DICOMDIR", empty)]);
  expect(control.refusal?.kind).toBe("study-empty");
  expect(control.flow).toBeNull();
});

it("opens a study whose files the server has, and goes on from its step", async () => {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(url);
    if (url.endsWith("/classifications")) return new Response("{}", { status: 400 });
    return new Response(JSON.stringify({ studyId: "s", files: 3, missing: [], classified: 1, slices: 3, result: null }));
  });
  const control = new StudyController(page);
  await control.open("s");
  expect(control.flow).toMatchObject({ step: "classifying", total: 3 });
  expect(asked).toEqual(["/api/v1/studies/s", "/api/v1/studies/s/classifications"]);
  await control.open("s");
  expect(asked.length).toBe(2);
});

it("says why a study cannot be opened", async () => {
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify({ title: "Not found", detail: "gone" }), { status: 404 }));
  const control = new StudyController(page);
  await control.open("s");
  expect(control.flow).toBeNull();
  expect(control.refusal?.text).toContain("Gone");
});

it("shows the transaction of a study that was signed before it is opened again", async () => {
  localStorage.setItem("scanproof.study", JSON.stringify({ studyId: "s", transaction: { hash: "0xab" } }));
  const study = { studyId: "s", files: 1, missing: [], classified: 1, slices: 1, signable: true, result: {} };
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify(study)));
  const control = new StudyController(page);
  await control.open("s");
  expect(control.flow).toMatchObject({ step: "submitted", transaction: { hash: "0xab" } });
});

it("sends no whole slide, which is recorded alone", async () => {
  const control = new StudyController(page);
  await control.choose([source("DOE.svs", bytesOf(slides.files[0]!.input)), source("a.png", PNG)]);

  expect(control.unsent).toEqual([{ name: "DOE.svs", reason: expect.stringMatching(/^This is a whole slide/) as string }]);
  expect(begun.map(({ name }) => name)).toEqual(["slice-0002.png"]);
  expect(sent.some((part) => part.includes("DOE"))).toBe(false);
});
