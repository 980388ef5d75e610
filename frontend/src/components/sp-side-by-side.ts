import { LitElement, css, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { api, viewOf } from "../api/client";
import type { Image, ImageRecord } from "../api/types";
import { short } from "../format";
import type { Slice } from "../imaging/slices";
import type { Problem } from "../state/problems";
import { outcomeOf } from "../state/diagnosis-status";
import { slideOf } from "../state/slide";
import type { View } from "../state/view";
import { fields } from "../styles/forms";
import { shared } from "../styles/shared";
import { LoadController } from "./load-controller";
import { loadNotice } from "./load-notice";
import "./sp-notice";
import { loadSlideViewer } from "./viewer-loader";

const IMAGE_ID = "0x[0-9a-fA-F]{64}";

interface Shown {
  record: ImageRecord;
  /** Null where the server does not have the image. */
  image: Image | null;
  /** The slices of a study, each at the same share of its stack as the other's; empty for an image. */
  slices: Slice[];
}

/** Two records beside each other, their views or their slices moved together. Event `compare` with the id of the other one, or "". */
@customElement("sp-side-by-side")
export class SideBySide extends LitElement {
  static override styles = [
    shared,
    fields,
    css`
      form {
        display: flex;
        flex-wrap: wrap;
        align-items: end;
        gap: var(--space-3);
      }
      form label {
        flex: 1 1 16rem;
      }
      input[type="text"] {
        width: 100%;
      }
      .columns {
        display: grid;
        grid-template-columns: repeat(2, minmax(0, 1fr));
        gap: var(--space-5);
        align-items: start;
      }
      .linked {
        display: inline-flex;
        align-items: center;
        gap: var(--space-2);
      }
      @media (max-width: 52rem) {
        .columns {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ];

  @property({ attribute: false }) record!: ImageRecord;
  /** The id of the other record, empty for none. */
  @property({ attribute: false }) compared = "";
  @state() private linked = true;
  @state() private view: View | null = null;
  /** Which slice of each stack is shown, as a share of its length. */
  @state() private shares: [number, number] = [0.5, 0.5];
  private readonly both = new LoadController<[Shown, Shown]>(this);

  protected override willUpdate(): void {
    const { record, compared } = this;
    if (!compared) {
      this.both.clear();
      return;
    }
    this.both.show(`${record.imageId} ${compared}`, async () =>
      Promise.all([shown(record), api.record(compared).then(shown)]),
    );
  }

  protected override render() {
    return html`<div class="stack">
      <h2>Beside another record</h2>
      <form @submit=${this.submitted}>
        <label>
          Image id of the other record
          <input type="text" name="other" required pattern=${IMAGE_ID} placeholder="0x…" autocomplete="off" .value=${this.compared} />
        </label>
        <button class="button" type="submit">Show both</button>
        ${this.compared
          ? html`<button class="button quiet" type="button" @click=${() => this.choose("")}>Close</button>`
          : nothing}
      </form>
      ${this.compared ? this.pair() : nothing}
    </div>`;
  }

  private pair() {
    const { value, problem } = this.both;
    if (problem) return loadNotice(this.both);
    if (!value) return html`<p class="busy soft" role="status"><span class="spinner"></span>Loading …</p>`;
    return html`<label class="linked">
        <input type="checkbox" .checked=${this.linked} @change=${this.link} />
        Move both together
      </label>
      <div class="columns">${value.map((one, place) => this.column(one, place))}</div>`;
  }

  private stack(slices: Slice[], place: number) {
    const last = slices.length - 1;
    const moved = ({ detail }: CustomEvent<number>) => {
      const share = detail / Math.max(last, 1);
      this.shares = this.linked ? [share, share] : place === 0 ? [share, this.shares[1]] : [this.shares[0], share];
    };
    return html`<sp-stack
      .slices=${slices}
      .index=${Math.round((this.shares[place] ?? 0) * last)}
      .strip=${false}
      @slice=${moved}
    ></sp-stack>`;
  }

  private column({ record, image, slices }: Shown, place: number) {
    const name = `Record ${short(record.imageId)}`;
    return html`<div class="stack" data-testid="compared">
      <p><strong>${outcomeOf(record.diagnoses.at(-1))}</strong> · <a href="/records/${record.imageId}"><code>${short(record.imageId)}</code></a></p>
      ${slices.length > 0
        ? this.stack(slices, place)
        : image && slideOf(image)
        ? html`<sp-slide-viewer .image=${image} alt=${name}></sp-slide-viewer>`
        : image
        ? html`<sp-viewer
            src=${viewOf(record.cid)}
            .stored=${image}
            alt=${name}
            .linked=${this.linked ? this.view : null}
            @view-changed=${({ detail }: CustomEvent<View>) => (this.view = detail)}
          ></sp-viewer>`
        : html`<sp-notice .problem=${NO_IMAGE}></sp-notice>`}
    </div>`;
  }

  private link({ target }: Event): void {
    this.linked = (target as HTMLInputElement).checked;
  }

  private submitted(event: SubmitEvent): void {
    event.preventDefault();
    const other = new FormData(event.target as HTMLFormElement).get("other");
    if (typeof other === "string") this.choose(other.trim().toLowerCase());
  }

  private choose(detail: string): void {
    this.view = null;
    this.dispatchEvent(new CustomEvent("compare", { detail }));
  }
}

async function shown(record: ImageRecord): Promise<Shown> {
  const study = record.study ? await api.recordedStudy(record.imageId) : null;
  const slices = (study?.slices ?? []).map(({ cid, order, labelText }) => ({ src: viewOf(cid), alt: `Slice ${order + 1}: ${labelText}` }));
  const image = record.imageAvailable && !study ? await api.image(record.cid) : null;
  if (slideOf(image)) loadSlideViewer();
  return { record, image, slices };
}

const NO_IMAGE: Problem = {
  kind: "image-unavailable",
  tone: "warning",
  title: "No image to show",
  text: "This server does not have the image of the record.",
};
