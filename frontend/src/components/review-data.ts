import type { ReactiveControllerHost } from "lit";
import { api } from "../api/client";
import type { Diagnosis, Hex, Image, ImageRecord, StudyResult } from "../api/types";
import { fieldsOfManifest, NO_FIELDS, slideOf, type Field } from "../state/slide";
import { LoadController } from "./load-controller";

/** What a reviewer sees, loaded when a diagnosis is opened. Of a sealed one only the image is: what a model says
 * of it would reveal the result. */
export class ReviewData {
  readonly record: LoadController<ImageRecord>;
  readonly study: LoadController<StudyResult>;
  private readonly facts;
  private readonly outline;
  private readonly classification;
  private readonly read;

  constructor(host: ReactiveControllerHost) {
    this.record = new LoadController<ImageRecord>(host);
    this.study = new LoadController<StudyResult>(host);
    this.facts = new LoadController<Image>(host);
    this.outline = new LoadController<{ contours: [x: number, y: number][][] }>(host);
    this.read = new LoadController<readonly Field[]>(host);
    this.classification = new LoadController<{ activationMap: string | null }>(host);
  }

  get image(): Image | null {
    return this.facts.value;
  }

  get contours(): [x: number, y: number][][] {
    return this.image ? (this.outline.value?.contours ?? []) : [];
  }

  get activationMap(): string | null {
    return this.classification.value?.activationMap ?? null;
  }

  /** What the model read of a slide. */
  get fields(): readonly Field[] {
    return this.read.value ?? NO_FIELDS;
  }

  diagnosis(diagnosisId: Hex): Diagnosis | null {
    return this.record.value?.diagnoses.find((found) => found.diagnosisId === diagnosisId) ?? null;
  }

  /** Call on every update of the host; null while nothing is open. */
  follow(imageId: Hex | null, diagnosisId: Hex): void {
    if (imageId) this.record.show(imageId, () => api.record(imageId));
    else this.record.clear();
    const { cid, imageAvailable, study } = this.record.value ?? {};
    if (imageId && study) this.study.show(imageId, () => api.recordedStudy(imageId));
    else this.study.clear();
    const diagnosis = this.diagnosis(diagnosisId);
    const model = diagnosis?.sealed || diagnosis?.labelCode === 0 ? undefined : diagnosis?.model?.name;
    if (cid && imageAvailable) this.facts.show(cid, () => api.image(cid));
    else this.facts.clear();
    const slide = slideOf(this.image) !== null;
    if (slide && diagnosis && !diagnosis.sealed) {
      const { manifestHash } = diagnosis;
      this.read.show(manifestHash, async () => fieldsOfManifest(await api.manifest(manifestHash), manifestHash));
    } else this.read.clear();
    if (cid && this.image && !slide && model) {
      const key = `${cid} ${model}`;
      this.outline.show(key, () => api.outline(cid, model));
      this.classification.show(key, () => api.classify(cid, model));
    } else {
      for (const part of [this.outline, this.classification]) part.clear();
    }
  }
}
