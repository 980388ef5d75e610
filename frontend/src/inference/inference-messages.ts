/** What the page and the thread that classifies say to each other. */

import type { Model } from "../api/types";
import type { Raster } from "../imaging/raster";
import type { Progress } from "./bundle";
import type { Decision } from "./decision";
import type { DeviceOutline } from "./outline";

/** A model of the server's list. */
export type Offered = Pick<Model, "name" | "version" | "sha256" | "modality" | "kind" | "default" | "weak">;

/** `image` is a file that browsers decode, or the values of another one. */
export interface InferenceRequest {
  id: number;
  image: Blob | Raster;
  models: Offered[];
  /** In place of the classification: the modality for which a tumour is outlined. */
  outlined: string | null;
}

/** `overlay` is the activation map, null for an abstention. */
export interface DeviceAnswer extends Decision {
  model: Offered;
  overlay: ImageData | null;
}

/** A problem is a sentence for people. */
export type InferenceReply = { id: number } & ({ progress: Progress } | { answer: DeviceAnswer } | { outline: DeviceOutline | null } | { problem: string });
