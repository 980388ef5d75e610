import { LitElement, css, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { api } from "../api/client";
import { ApiProblem } from "../api/errors";
import type { ChainConfig, ImageRecord } from "../api/types";
import { signedFieldsOf } from "../chain/diagnosis";
import { prove, type Evidence, type Proof } from "../chain/proof";
import { short, time } from "../format";
import { slideOf } from "../state/slide";
import { changesOf, placeIn, type Change } from "../state/tampering";
import { choices, fields } from "../styles/forms";
import { shared } from "../styles/shared";
import { tables } from "../styles/tables";
import { icons } from "./icons";
import { LoadController } from "./load-controller";
import { loadNotice } from "./load-notice";
import "./sp-notice";

/** Lets a person change a record in the browser, and shows which check fails then and why. Nothing is sent. */
@customElement("sp-tampering")
export class Tampering extends LitElement {
  static override styles = [
    shared,
    choices,
    fields,
    tables,
    css`
      .choices {
        --choice: 13rem;
      }
      .field {
        display: grid;
        gap: var(--space-1);
      }
      .choice:has(:disabled) {
        color: var(--ink-soft);
        cursor: not-allowed;
      }
      .verdict {
        display: flex;
        gap: var(--space-2);
        font-weight: 650;
      }
      .good {
        color: var(--success);
      }
      .bad {
        color: var(--danger);
      }
      td code {
        display: block;
        overflow-wrap: anywhere;
      }
      th:first-child {
        min-width: 7rem;
      }
      td {
        min-width: 10rem;
      }
    `,
  ];

  @property({ attribute: false }) records: ImageRecord[] = [];
  @property({ attribute: false }) chain!: ChainConfig;
  @state() private chosen = "";
  @state() private change: Change["id"] = "image";
  @state() private position = 1000;
  @state() private refused = false;
  private readonly evidence = new LoadController<Evidence>(this);
  private readonly proofs = new LoadController<{ original: Proof[]; forged: Proof[] }>(this);

  protected override willUpdate(): void {
    const record = this.records.find(({ imageId }) => imageId === this.chosen);
    if (record) this.evidence.show(record.imageId, () => evidenceOf(record));
    else this.evidence.clear();
    const original = this.evidence.value;
    const forged = original && this.changes(original).find(({ id }) => id === this.change)?.changed;
    if (!forged) {
      this.proofs.clear();
      return;
    }
    const key = `${original.imageId} ${this.change} ${this.position}`;
    this.proofs.show(key, async () => ({ original: await prove(original, this.chain), forged: await prove(forged, this.chain) }));
  }

  protected override render() {
    const { value, problem } = this.evidence;
    return html`<section class="panel stack" aria-labelledby="title">
      <h2 id="title">Try to forge a record</h2>
      <p>
        Choose a record, change one part of it, and see which checks detect the change. This page computes everything from
        the original and the changed bytes; nothing is sent, and the record does not change.
      </p>
      <div class="field">
        <label for="record">Record</label>
        <select id="record" @change=${this.recordChosen}>
          <option value="">Choose one</option>
          ${this.records.map(
            ({ imageId, block }) => html`<option value=${imageId}>${short(imageId)}, ${time(block.timestamp)}</option>`,
          )}
        </select>
      </div>
      ${loadNotice(this.evidence)}
      ${value ? this.demonstration(value) : this.chosen && !problem ? html`<p class="busy soft" role="status"><span class="spinner"></span>Fetching the original bytes …</p>` : nothing}
    </section>`;
  }

  private demonstration(evidence: Evidence) {
    return html`<fieldset>
        <legend>Change</legend>
        <div class="choices">${this.changes(evidence).map((change) => this.choice(change))}</div>
      </fieldset>
      ${this.whichByte(evidence)}
      ${this.proofs.problem ? html`<sp-notice .problem=${this.proofs.problem}></sp-notice>` : nothing}
      <div role="status">${this.proofs.value ? this.verdict(this.proofs.value.forged) : nothing}</div>
      ${this.proofs.value ? this.table(this.proofs.value) : nothing}`;
  }

  private whichByte({ image, diagnosis }: Evidence) {
    const content = this.change === "image" ? image : this.change === "manifest" ? diagnosis?.manifest : null;
    if (!content) return nothing;
    const last = content.length - 1;
    return html`<div class="field">
      <label for="position">Which byte, from 0 to ${last}</label>
      <input
        id="position"
        type="number"
        min="0"
        max=${last}
        step="1"
        aria-invalid=${this.refused}
        aria-describedby="about-position"
        .value=${String(placeIn(content, this.position))}
        @change=${({ target }: Event) => this.moved(target as HTMLInputElement)}
      />
      <span class="small bad" id="about-position" role="alert">
        ${this.refused ? `Not changed: enter a whole number from 0 to ${last}.` : nothing}
      </span>
    </div>`;
  }

  private choice({ id, name, text, changed }: Change) {
    return html`<label class="choice">
      <input
        type="radio"
        name="change"
        .checked=${id === this.change}
        ?disabled=${!changed}
        aria-label=${name}
        aria-describedby="about-${id}"
        @change=${() => this.switched(id)}
      />
      <span>${name}</span>
      <span class="soft small mono" id="about-${id}">${text}</span>
    </label>`;
  }

  private verdict(forged: Proof[]) {
    const failed = forged.filter(({ passed }) => !passed);
    return html`<p class="verdict bad" data-testid="caught">
      ${icons.cross} Detected by ${failed.length} of ${forged.length} checks: ${failed.map(({ name }) => `“${name}”`).join(", ")}
    </p>`;
  }

  private table({ original, forged }: { original: Proof[]; forged: Proof[] }) {
    return html`<div class="scroll" tabindex="0" role="region" aria-label="Checks, scrolls sideways">
      <table aria-label="Checks of the original and of the changed record">
        <thead>
          <tr>
            <th scope="col">Check</th>
            <th scope="col">Changed record</th>
            <th scope="col">Original record</th>
          </tr>
        </thead>
        <tbody>
          ${forged.map(
            (proof, place) => html`<tr data-testid="proof" data-passed=${proof.passed}>
              <th scope="row">${proof.name}</th>
              <td>${outcome(proof)}</td>
              <td>${original[place] ? outcome(original[place]) : nothing}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }

  private changes(evidence: Evidence): Change[] {
    return changesOf(evidence, this.position);
  }

  private recordChosen({ target }: Event): void {
    this.chosen = (target as HTMLSelectElement).value;
  }

  private switched(change: Change["id"]): void {
    this.change = change;
    this.refused = false;
  }

  private moved({ value, validity }: HTMLInputElement): void {
    this.refused = value === "" || !validity.valid;
    if (!this.refused) this.position = Number(value);
  }
}

function outcome({ passed, expected, found, why }: Proof) {
  return html`<p class="verdict ${passed ? "good" : "bad"}">${passed ? icons.success : icons.cross}${passed ? "Passed" : "Failed"}</p>
    ${passed
      ? html`<code>${found}</code>`
      : html`<p>Expected <code>${expected}</code> found <code>${found}</code></p>
          <p class="soft">${why}</p>`}`;
}

async function evidenceOf(record: ImageRecord): Promise<Evidence> {
  const { cid, uploader, imageId, imageAvailable, study } = record;
  const diagnosis = record.diagnoses.at(-1);
  // A slide would fill the memory.
  const small = imageAvailable && (study || !slideOf(await api.image(cid)));
  const [image, manifest] = await Promise.all([
    small ? api.content(cid) : null,
    diagnosis && !diagnosis.sealed ? unlessMissing(api.manifest(diagnosis.manifestHash)) : null,
  ]);
  if (!diagnosis) return { image, cid, uploader, imageId, diagnosis: null };
  const { signature, classifier } = diagnosis;
  return { image, cid, uploader, imageId, diagnosis: { fields: signedFieldsOf(imageId, diagnosis), signature, classifier, manifest } };
}

/** Null where this server does not have the manifest, as for a diagnosis of another server. */
async function unlessMissing(manifest: Promise<Uint8Array>): Promise<Uint8Array | null> {
  try {
    return await manifest;
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 404) return null;
    throw error;
  }
}
