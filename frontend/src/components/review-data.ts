import type { ReactiveControllerHost } from "lit";
import { api } from "../api/client";
import type { Diagnosis, Hex, ImageRecord } from "../api/types";
import { LoadController } from "./load-controller";

/** What a reviewer sees, loaded when a diagnosis is opened. For a sealed one nothing is requested: the request would
 * reveal the result. */
export class ReviewData {
  readonly record: LoadController<ImageRecord>;
  private readonly image;
  private readonly outline;
  private readonly classification;

  constructor(host: ReactiveControllerHost) {
    this.record = new LoadController<ImageRecord>(host);
    this.image = new LoadController<{ width: number; height: number }>(host);
    this.outline = new LoadController<{ contours: [x: number, y: number][][] }>(host);
    this.classification = new LoadController<{ activationMap: string | null }>(host);
  }

  get size(): { width: number; height: number } | null {
    return this.image.value;
  }

  get contours(): [x: number, y: number][][] {
    return this.image.value ? (this.outline.value?.contours ?? []) : [];
  }

  get activationMap(): string | null {
    return this.classification.value?.activationMap ?? null;
  }

  diagnosis(diagnosisId: Hex): Diagnosis | null {
    return this.record.value?.diagnoses.find((found) => found.diagnosisId === diagnosisId) ?? null;
  }

  /** Call on every update of the host; null while nothing is open. */
  follow(imageId: Hex | null, diagnosisId: Hex): void {
    if (imageId) this.record.show(imageId, () => api.record(imageId));
    else this.record.clear();
    const { cid, imageAvailable } = this.record.value ?? {};
    const diagnosis = this.diagnosis(diagnosisId);
    const model = diagnosis?.sealed || diagnosis?.labelCode === 0 ? undefined : diagnosis?.model?.name;
    if (cid && imageAvailable && model) {
      const key = `${cid} ${model}`;
      this.image.show(key, () => api.image(cid));
      this.outline.show(key, () => api.outline(cid, model));
      this.classification.show(key, () => api.classify(cid, model));
    } else {
      for (const part of [this.image, this.outline, this.classification]) part.clear();
    }
  }
}
