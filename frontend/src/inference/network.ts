/** Runs a LiteRT flatbuffer by WebAssembly; LiteRT is TensorFlow's own small runtime. */

import { loadAndCompile, loadLiteRt, Tensor, type CompiledModel } from "@litertjs/core";
import ModuleFactory from "@litertjs/core/wasm/litert_wasm_compat_internal.js";
import wasm from "@litertjs/core/wasm/litert_wasm_compat_internal.wasm?gzip";
import { fetched, unreachable, type Report } from "./bundle";
import type { Preprocessed } from "./preprocessing";

const SIGNATURE = "classify";

/** By name: `logits`, and `activation_maps` and `features` where the network has these outputs. */
export type Outputs = Record<string, { values: Float32Array<ArrayBuffer>; shape: readonly number[] }>;

/** What LiteRT's loader looks for in a thread, which it expects to be a script and no module. */
interface LoaderScope {
  ModuleFactory?: unknown;
  Module?: {
    instantiateWasm: (imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) => object;
    printErr: (line: string) => void;
  };
  importScripts: () => void;
}

/** Once in a thread. Raises FileRefused, and what a browser without WebAssembly raises. */
export async function loadRuntime(report: Report): Promise<void> {
  // Gzipped by the build, as the server sends files as they are.
  const body = (await fetched(wasm, "WebAssembly", report)).pipeThrough(new DecompressionStream("gzip"));
  const response = new Response(body, { headers: { "content-type": "application/wasm" } });
  const module = await WebAssembly.compileStreaming(response).catch((error: unknown) => {
    // A download that stops is a TypeError here.
    throw error instanceof TypeError ? unreachable() : error;
  });
  const scope = self as unknown as LoaderScope;
  scope.importScripts = () => (scope.ModuleFactory = ModuleFactory);
  scope.Module = {
    instantiateWasm: (imports, done) => {
      void WebAssembly.instantiate(module, imports).then(done);
      return {};
    },
    // It notes each of its steps there; what fails is thrown as well.
    printErr: () => undefined,
  };
  await loadLiteRt("litert_wasm_compat_internal.js");
}

export class Network {
  private constructor(private readonly model: CompiledModel) {}

  static async compile(flatbuffer: Uint8Array): Promise<Network> {
    return new Network(await loadAndCompile(flatbuffer, { accelerator: "wasm" }));
  }

  async run({ pixels, shape }: Pick<Preprocessed, "pixels" | "shape">): Promise<Outputs> {
    const input = new Tensor(pixels, shape);
    try {
      const outputs = Object.entries(await this.model.run(SIGNATURE, { pixels: input }));
      return Object.fromEntries(outputs.map(([name, tensor]) => [name, copied(tensor)]));
    } finally {
      input.delete();
    }
  }
}

function copied(tensor: Tensor): Outputs[string] {
  const found = { values: Float32Array.from(tensor.toTypedArray()), shape: [...tensor.type.layout.dimensions] };
  tensor.delete();
  return found;
}
