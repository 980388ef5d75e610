import { LitElement, css, html, nothing, type PropertyValues } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { api } from "../api/client";
import type { RecordSearch, SearchField } from "../api/client";
import type { Model } from "../api/types";
import { searchOf } from "../state/search";
import { STATUSES } from "../state/diagnosis-status";
import { MAGNIFICATIONS, MODALITIES, SEQUENCES } from "../state/kind";
import { disclosure } from "../styles/disclosure";
import { fields } from "../styles/forms";
import { shared } from "../styles/shared";
import { LoadController } from "./load-controller";

type Choice = [value: string, text: string];

/** The search form: text and filters. Event `search` with the new RecordSearch. */
@customElement("sp-search")
export class SearchForm extends LitElement {
  static override styles = [
    shared,
    fields,
    disclosure,
    css`
      details {
        margin-top: var(--space-3);
      }
      .text {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-3);
      }
      input[type="search"] {
        flex: 1 1 18rem;
      }
      fieldset {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(9.5rem, 100%), 1fr));
        gap: var(--space-3);
        min-width: 0;
        margin: var(--space-3) 0 0;
        padding: 0;
        border: 0;
      }
      label {
        display: grid;
        gap: var(--space-1);
        color: var(--ink-soft);
        font-size: var(--text-small);
      }
      fieldset input,
      select {
        width: 100%;
      }
      @media (max-width: 36rem) {
        fieldset {
          grid-template-columns: repeat(2, minmax(0, 1fr));
        }
        .model {
          grid-column: 1 / -1;
        }
      }
    `,
  ];

  @property({ attribute: false }) search: RecordSearch = {};
  @query("form") private form!: HTMLFormElement;
  private readonly models = new LoadController<Model[]>(this);

  override connectedCallback(): void {
    super.connectedCallback();
    this.models.show("models", () => api.models());
  }

  protected override updated(changed: PropertyValues<this>): void {
    // The search of the address replaces text that was typed but not submitted.
    if (changed.has("search")) this.form.reset();
  }

  protected override render() {
    const { q = "", from = "", to = "", modality, bodyPart = "", sequence, magnification } = this.search;
    return html`<form role="search" @submit=${this.submitted}>
      <div class="text">
        <input
          type="search"
          name="q"
          aria-label="Search records"
          placeholder="Image id, CID, account, transaction or result"
          autocomplete="off"
          spellcheck="false"
          maxlength="200"
          .defaultValue=${q}
        />
        <button class="button primary" type="submit">Search</button>
        ${Object.keys(this.search).length > 0
          ? html`<button class="button" type="button" @click=${() => this.emit({})}>Clear</button>`
          : nothing}
      </div>
      <fieldset>
        <legend class="visually-hidden">Filters</legend>
        ${this.select("status", "Status", STATUS_CHOICES)} ${this.select("label", "Result", this.labels())}
        ${this.select("model", "Model", (this.models.value ?? []).map(({ name }): Choice => [name, name]))}
        <label>From <input type="date" name="from" max=${to || nothing} .defaultValue=${from} /></label>
        <label>To <input type="date" name="to" min=${from || nothing} .defaultValue=${to} /></label>
      </fieldset>
      <details ?open=${[modality, bodyPart, sequence, magnification].some(Boolean)}>
        <summary>Kind of image</summary>
        <fieldset>
          <legend class="visually-hidden">Kind of image</legend>
          ${this.select("modality", "Modality", MODALITY_CHOICES)}
          <label>
            Body part
            <input name="bodyPart" maxlength="64" placeholder="BRAIN" autocomplete="off" .defaultValue=${bodyPart} />
          </label>
          ${this.select("sequence", "Sequence", SEQUENCE_CHOICES)}
          ${this.select("magnification", "Magnification", MAGNIFICATION_CHOICES)}
        </fieldset>
      </details>
    </form>`;
  }

  /** A value from the address is offered even where this server does not know it. */
  private select(name: Exclude<SearchField, "q" | "bodyPart" | "from" | "to">, title: string, choices: Choice[]) {
    const chosen = this.search[name] ?? "";
    const all = chosen && !choices.some(([value]) => value === chosen) ? [...choices, [chosen, chosen] as Choice] : choices;
    return html`<label class=${name}
      >${title}
      <select name=${name}>
        <option value="" ?selected=${chosen === ""}>Any</option>
        ${all.map(([value, text]) => html`<option value=${value} ?selected=${value === chosen}>${text}</option>`)}
      </select>
    </label>`;
  }

  private labels(): Choice[] {
    const known = (this.models.value ?? []).flatMap(({ classes }) => classes);
    return [...new Map(known.map(({ label, text }) => [label, text])), ...OTHER_LABELS];
  }

  private submitted(event: SubmitEvent): void {
    event.preventDefault();
    this.emit(searchOf(new FormData(this.form)));
  }

  private emit(detail: RecordSearch): void {
    this.dispatchEvent(new CustomEvent<RecordSearch>("search", { detail }));
  }
}

const STATUS_CHOICES = Object.entries(STATUSES).map(([status, { text }]): Choice => [status, text]);
const UNKNOWN: Choice = ["unknown", "Unknown"];
const MODALITY_CHOICES: Choice[] = [...Object.entries(MODALITIES), UNKNOWN];
const SEQUENCE_CHOICES: Choice[] = [...Object.entries(SEQUENCES), UNKNOWN];
const MAGNIFICATION_CHOICES: Choice[] = [...MAGNIFICATIONS.map((each): Choice => [String(each), `${each}X`]), UNKNOWN];
const OTHER_LABELS: Choice[] = [
  ["abstained", "No answer"],
  ["sealed", "Sealed"],
];
