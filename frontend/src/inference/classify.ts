/** Classifies a file by the gate and the model for its modality, as the server does for an image without a named model. */

import type { Raster } from "../imaging/raster";
import { activationOverlay, type Grid } from "./activation";
import { Bundle, type Report } from "./bundle";
import { decide, decideModality, type Decision, type Metadata } from "./decision";
import { decode, OnServerOnly, pictureOf } from "./decoding";
import { outlierScore, readDetector, type Detector } from "./detector";
import type { DeviceAnswer, Offered } from "./inference-messages";
import { loadRuntime, Network, type Outputs } from "./network";
import { meanProbabilities, mirrored, outlineOf, type DeviceOutline } from "./outline";
import { procedureOf, type Preprocessed } from "./preprocessing";
import type { Picture } from "./pillow";

const SEGMENTATION = "segmentation";
const NETWORK_KINDS = ["classifier", "gate", SEGMENTATION];

interface Loaded {
  metadata: Metadata;
  network: Network;
  detector: Detector | null;
  prepare: (picture: Picture) => Preprocessed;
}

/** Of a thread, which keeps the runtime and each model that it was asked for. */
export class Classifier {
  private runtime: Promise<void> | null = null;
  private readonly loaded = new Map<string, Promise<Loaded>>();

  /** Raises OnServerOnly, FileRefused, and Error for a file that is damaged. */
  async classify(image: Blob | Raster, models: Offered[], report: Report): Promise<DeviceAnswer> {
    const picture = await opened(image);
    const gate = models.find(({ kind }) => kind === "gate");
    if (!gate) return this.diagnose(picture, models.find((model) => model.default), report);
    const { decision } = await this.examine(picture, gate, report, decideModality);
    if (decision.abstained) return { ...decision, model: gate, overlay: null };
    return this.diagnose(picture, chosen(models, decision.label), report);
  }

  /** Where the model for the modality sees a tumour; null where there is no such model. Raises as `classify`. */
  async outline(image: Blob | Raster, models: Offered[], modality: string, report: Report): Promise<DeviceOutline | null> {
    const model = models.find((each) => each.kind === SEGMENTATION && each.modality === modality);
    if (!model) return null;
    const picture = await opened(image);
    const { metadata, network, prepare } = await this.load(model, report);
    const seen = prepare(picture);
    const run = async (pixels: Float32Array<ArrayBuffer>): Promise<Grid> => {
      const { logits } = await network.run({ pixels, shape: seen.shape });
      return { width: seen.shape[2], height: seen.shape[1], values: logits?.values ?? pixels };
    };
    const probabilities = meanProbabilities(await run(seen.pixels), await run(mirrored(seen.pixels, seen.shape[2])));
    return outlineOf(probabilities, metadata.mask_threshold ?? 1, seen, picture);
  }

  private async diagnose(picture: Picture, model: Offered | undefined, report: Report): Promise<DeviceAnswer> {
    if (!model) throw new OnServerOnly("No model on this server is for such images.");
    const { decision, seen, outputs } = await this.examine(picture, model, report, decide);
    return { ...decision, model, overlay: decision.abstained ? null : overlayOf(outputs, decision, seen, picture) };
  }

  private async examine(picture: Picture, model: Offered, report: Report, judge: typeof decide) {
    const { metadata, network, detector, prepare } = await this.load(model, report);
    const seen = prepare(picture);
    const outputs = await network.run(seen);
    const score = detector && outputs.features ? outlierScore(detector, outputs.features.values) : null;
    return { seen, outputs, decision: judge(metadata, picture, outputs.logits?.values ?? [], score) };
  }

  /** What failed is loaded again at the next request. */
  private load(model: Offered, report: Report): Promise<Loaded> {
    const known = this.loaded.get(model.sha256);
    if (known) return known;
    const loading = this.fetch(model, report);
    this.loaded.set(model.sha256, loading);
    loading.catch(() => this.loaded.delete(model.sha256));
    return loading;
  }

  private start(report: Report): Promise<void> {
    if (this.runtime) return this.runtime;
    const loading = loadRuntime(report);
    this.runtime = loading;
    // Awaited once the model's files are there as well; until then, its failure is no unhandled one.
    loading.catch(() => (this.runtime = null));
    return loading;
  }

  private async fetch(model: Offered, report: Report): Promise<Loaded> {
    const runtime = this.start(report);
    const bundle = await Bundle.open(model.sha256, report);
    const metadata = await bundle.metadata();
    const prepare = procedureOf(metadata.preprocessing);
    if (!prepare || !NETWORK_KINDS.includes(model.kind)) {
      throw new OnServerOnly(`Recognised as ${model.modality}. The model for it, ${model.name}, runs on the server only.`);
    }
    const detector = bundle.has("detector.npz") ? await readDetector(await bundle.read("detector.npz")) : null;
    const flatbuffer = await bundle.read("model.tflite");
    await runtime;
    return { metadata, network: await Network.compile(flatbuffer), detector, prepare };
  }
}

const opened = async (image: Blob | Raster): Promise<Picture> => (image instanceof Blob ? decode(image) : pictureOf(image));

/** The model of the modality's own name, else the first one that classifies such images. */
function chosen(models: Offered[], modality: string): Offered | undefined {
  const fitting = models.filter((model) => model.modality === modality && ["classifier", "ensemble"].includes(model.kind));
  return fitting.find(({ name }) => name === modality) ?? fitting[0];
}

function overlayOf({ activation_maps: maps }: Outputs, { top, probabilities }: Decision, seen: Preprocessed, picture: Picture): ImageData | null {
  if (!maps) return null;
  const [, height = 0, width = 0] = maps.shape;
  return activationOverlay({ width, height, values: maps.values }, Object.keys(probabilities).length, top, seen, picture);
}
