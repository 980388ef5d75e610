import { createHash } from "node:crypto";
import { afterEach, expect, it, vi } from "vitest";
import { Bundle, FileRefused, type Progress } from "../../../frontend/src/inference/bundle";
import { bundleFile } from "./vectors";

const MODEL = createHash("sha256").update(bundleFile("SHA256SUMS")).digest("hex");

/** A server with the files of the shipped model, some of them changed. */
function serve(changed: Record<string, Response> = {}): void {
  vi.stubGlobal("fetch", async (address: string) => {
    const [, model, name = ""] = /^\/api\/v1\/models\/0x(\w+)\/files\/([\w.]+)$/.exec(address) ?? [];
    expect(model).toBe(MODEL);
    return changed[name] ?? new Response(bundleFile(name), { headers: { "content-length": String(bundleFile(name).length) } });
  });
}

afterEach(() => vi.unstubAllGlobals());

it("files are read, and their bytes reported", async () => {
  serve();
  const seen: Progress[] = [];
  const bundle = await Bundle.open(MODEL, (progress) => seen.push(progress));

  expect((await bundle.metadata()).name).toBe("brain-mri");
  expect(await bundle.read("detector.npz")).toEqual(bundleFile("detector.npz"));
  expect([bundle.has("detector.npz"), seen.at(-1)]).toEqual([true, { what: "the model", received: 500_455, total: 500_455 }]);
});

it("a listing that is not the model's is refused", async () => {
  serve({ SHA256SUMS: new Response("0  model.tflite\n") });
  await expect(Bundle.open(MODEL, () => undefined)).rejects.toThrow(`not ${MODEL}. It was not used.`);
});

it("a file that is not the listed one is refused", async () => {
  serve({ "metadata.json": new Response("{}") });
  const bundle = await Bundle.open(MODEL, () => undefined);
  await expect(bundle.metadata()).rejects.toThrow("The file metadata.json of the model has the SHA-256 44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
});

it.each([
  ["the server refuses", () => serve({ SHA256SUMS: new Response("", { status: 404 }) }), "it answered 404"],
  ["the server is gone", () => vi.stubGlobal("fetch", () => Promise.reject(new TypeError("failed"))), "the server does not answer"],
  ["the connection breaks", () => serve({ SHA256SUMS: broken() }), "the server does not answer"],
])("%s", async (_, arrange, message) => {
  arrange();
  const opened = Bundle.open(MODEL, () => undefined);
  await expect(opened).rejects.toThrow(message);
  await expect(opened).rejects.toBeInstanceOf(FileRefused);
});

function broken(): Response {
  return new Response(new ReadableStream({ start: (controller) => controller.error(new TypeError("network")) }));
}
