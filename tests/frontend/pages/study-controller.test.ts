import { inflateRawSync } from "node:zlib";
import { beforeEach, expect, it, vi } from "vitest";
import type { StudyFile } from "../../../frontend/src/api/types";
import { StudyController } from "../../../frontend/src/pages/study-controller";
import type { SourceFile } from "../../../frontend/src/state/zip";
import { emptyBrowser, host } from "../browser";
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

it("sends the files of a study without identifiers and without their names", async () => {
  const [one, other] = [vectors.files[1]!, vectors.files[8]!];
  const control = new StudyController(host);
  await control.choose([source("DOE/1.dcm", bytesOf(one.input)), source("DOE/2.dcm", bytesOf(other.input))]);

  expect(begun.map(({ name }) => name)).toEqual([expect.stringMatching(/^2\.25\.\d+\.dcm$/), expect.stringMatching(/^2\.25/)]);
  expect(sent.length).toBeGreaterThanOrEqual(3);
  const survived = [...one.planted, ...other.planted, "DOE"].filter((text) => sent.some((part) => part.includes(text)));
  expect(survived).toEqual([]);
});

it("keeps a DICOM file in the page that it cannot de-identify", async () => {
  const directory = new Uint8Array([...new Array<number>(128).fill(0), 68, 73, 67, 77]);
  const control = new StudyController(host);
  await control.choose([source("DOE/DICOMDIR", directory), source("a.png", new Uint8Array([1, 2, 3]))]);

  expect(begun.map(({ name }) => name)).toEqual(["a.png"]);
  expect(control.unsent).toEqual([
    { name: "DOE/DICOMDIR", reason: "expected a DICOM image, found a DICOM object without pixel data" },
  ]);

  await control.choose([source("DOE/DICOMDIR", directory)]);
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
  const control = new StudyController(host);
  await control.open("s");
  expect(control.flow).toMatchObject({ step: "classifying", total: 3 });
  expect(asked).toEqual(["/api/v1/studies/s", "/api/v1/studies/s/classifications"]);
  await control.open("s");
  expect(asked.length).toBe(2);
});

it("says why a study cannot be opened", async () => {
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify({ title: "Not found", detail: "gone" }), { status: 404 }));
  const control = new StudyController(host);
  await control.open("s");
  expect(control.flow).toBeNull();
  expect(control.refusal?.text).toContain("Gone");
});

it("shows the transaction of a study that was signed before it is opened again", async () => {
  localStorage.setItem("scanproof.study", JSON.stringify({ studyId: "s", transaction: { hash: "0xab" } }));
  const study = { studyId: "s", files: 1, missing: [], classified: 1, slices: 1, signable: true, result: {} };
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify(study)));
  const control = new StudyController(host);
  await control.open("s");
  expect(control.flow).toMatchObject({ step: "submitted", transaction: { hash: "0xab" } });
});
