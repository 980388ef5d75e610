import { LitElement, css, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { announce } from "../accessibility";
import { api, receivedViewOf } from "../api/client";
import type { Config, ReceivedList, ReceivedSeries } from "../api/types";
import { questionOf, type Answers, type Question } from "../api/upload";
import { LoadController } from "../components/load-controller";
import { loadNotice } from "../components/load-notice";
import "../components/sp-notice";
import "../components/sp-upload-question";
import { bytes, isoTime, printable, time, whole } from "../format";
import { describe, type Problem } from "../state/problems";
import { shared } from "../styles/shared";

const REFRESH_MS = 5_000;

/** What a person does with one series now. */
type Doing =
  | { what: "removal" | "removing" }
  | { what: "beginning"; done: number; total: number }
  | { what: "question"; question: Question; answers: Answers }
  | { what: "failed"; problem: Problem };

/**
 * `/received`: series that a PACS or a watched folder sent, until they are recorded or removed.
 * Events: `open` with the address to go on at, `counted` with the number of series.
 */
@customElement("sp-received")
export class ReceivedPage extends LitElement {
  static override styles = [
    shared,
    css`
      .series {
        display: grid;
        grid-template-columns: 8rem minmax(0, 1fr);
        gap: var(--space-4);
        align-items: start;
      }
      img {
        width: 100%;
        aspect-ratio: 1;
        object-fit: contain;
        border-radius: var(--radius);
        background: #000;
      }
      @media (max-width: 40rem) {
        .series {
          grid-template-columns: minmax(0, 1fr);
        }
        img {
          max-width: 12rem;
        }
      }
    `,
  ];

  @property({ attribute: false }) config!: Config;
  private readonly list = new LoadController<ReceivedList>(this);
  @state() private readonly doing = new Map<string, Doing>();
  private timer = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    this.list.show("received", () => this.load());
    this.timer = window.setInterval(() => void this.refresh(), REFRESH_MS);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.clearInterval(this.timer);
  }

  protected override render() {
    const { value, problem } = this.list;
    return html`<div class="stack">
      <h1 tabindex="-1">Received images</h1>
      <p class="lead">
        Series that a PACS or a watched folder sent here. Their identifiers were removed before anything was stored, and nothing
        is pinned until you go on.
      </p>
      ${loadNotice(this.list)}
      ${!value && !problem ? html`<p class="busy soft"><span class="spinner"></span>Loading …</p>` : nothing}
      ${value?.series.length === 0 ? this.empty() : nothing}
      ${value?.series.map((series) => this.series(series))}
      ${value?.series.length
        ? html`<p class="soft small">${bytes(value.size)} of ${bytes(value.mostBytes)} are taken.</p>`
        : nothing}
    </div>`;
  }

  private empty() {
    return html`<section class="panel stack" data-testid="nothing-received">
      <p>Nothing waits here.</p>
      <p class="soft">
        Run <code>scanproof pacs receive</code> and send images to it by C-STORE, or send them by DICOMweb to
        <code>${location.origin}/dicomweb</code>.
      </p>
    </section>`;
  }

  private series(series: ReceivedSeries) {
    const { seriesId, modality, files, size, lastAt, removedAt } = series;
    const doing = this.doing.get(seriesId);
    const title = `${printable(modality) || "Series"}, ${files === 1 ? "1 image" : `${whole(files)} images`}`;
    return html`<section class="panel series" data-testid="received-series" aria-label=${title}>
      <img src=${receivedViewOf(seriesId)} alt="Middle slice of the series" loading="lazy" />
      <div class="stack">
        <h2>${title}</h2>
        <dl class="terms">
          <dt>From</dt>
          <dd>${sender(series)}</dd>
          <dt>Last arrival</dt>
          <dd><time datetime=${isoTime(lastAt)}>${time(lastAt)}</time></dd>
          <dt>Size</dt>
          <dd>${bytes(size)}</dd>
          <dt>Removed</dt>
          <dd>on <time datetime=${isoTime(removedAt)}>${time(removedAt)}</time>, unless it is recorded</dd>
        </dl>
        ${doing ? this.work(series, doing) : this.choices(series)}
      </div>
    </section>`;
  }

  private choices(series: ReceivedSeries) {
    return html`<div class="actions">
      <button class="button primary" type="button" @click=${() => void this.goOn(series)}>
        ${series.begun ? "Go on" : series.files === 1 ? "Pin and classify" : "Classify"}
      </button>
      <button class="button" type="button" @click=${() => this.does(series, { what: "removal" })}>Remove</button>
    </div>`;
  }

  private work(series: ReceivedSeries, doing: Doing) {
    const back = () => this.does(series, null);
    switch (doing.what) {
      case "removal":
        return html`<div class="stack" role="group" aria-label="Remove this series">
          <p>Remove ${series.files === 1 ? "this image" : `these ${whole(series.files)} images`} from this server? The PACS keeps its own.</p>
          <div class="actions">
            <button class="button danger" type="button" @click=${() => void this.discard(series)}>Remove for good</button>
            <button class="button" type="button" @click=${back}>Keep</button>
          </div>
        </div>`;
      case "removing":
        return html`<p class="busy" role="status"><span class="spinner"></span>Removing …</p>`;
      case "beginning":
        return html`<div class="stack">
          <progress aria-label="Preparing the images" max=${Math.max(doing.total, 1)} .value=${doing.done}></progress>
          <p class="soft" role="status">Prepared ${doing.done} of ${doing.total}</p>
        </div>`;
      case "question":
        return html`<sp-upload-question
          .question=${doing.question}
          .config=${this.config}
          maskable
          @answer=${({ detail }: CustomEvent<Answers>) => void this.pin(series, { ...doing.answers, ...detail })}
          @other=${back}
        ></sp-upload-question>`;
      case "failed":
        return html`<sp-notice .problem=${doing.problem}>
          <button class="button" type="button" @click=${() => void this.goOn(series)}>Try again</button>
          <button class="button" type="button" @click=${back}>Cancel</button>
        </sp-notice>`;
    }
  }

  /** A single image is recorded as one: the rule for studies needs neighbours. */
  private async goOn(series: ReceivedSeries): Promise<void> {
    if (series.files === 1) await this.pin(series, {});
    else await this.begin(series);
  }

  private async begin(series: ReceivedSeries): Promise<void> {
    const total = series.files;
    this.does(series, { what: "beginning", done: 0, total });
    try {
      for (;;) {
        const { studyId, missing, files } = await api.studyOfReceived(series.seriesId);
        if (missing === 0) {
          this.does(series, null);
          this.go(`/?study=${studyId}`);
          return;
        }
        this.does(series, { what: "beginning", done: files - missing, total: files });
      }
    } catch (error) {
      this.does(series, { what: "failed", problem: describe(error) });
    }
  }

  private async pin(series: ReceivedSeries, answers: Answers): Promise<void> {
    this.does(series, { what: "beginning", done: 0, total: 1 });
    try {
      const { cid } = await api.pinReceived(series.seriesId, answers);
      this.does(series, null);
      this.go(`/?image=${cid}`);
    } catch (error) {
      const question = questionOf(error);
      if (question) announce("The server asks before it pins this image.");
      this.does(series, question ? { what: "question", question, answers } : { what: "failed", problem: describe(error) });
    }
  }

  private async discard(series: ReceivedSeries): Promise<void> {
    this.does(series, { what: "removing" });
    try {
      await api.removeReceived(series.seriesId);
      this.does(series, null);
      announce("The series is removed.");
      await this.refresh();
    } catch (error) {
      this.does(series, { what: "failed", problem: describe(error) });
    }
  }

  private does({ seriesId }: ReceivedSeries, doing: Doing | null): void {
    if (doing) this.doing.set(seriesId, doing);
    else this.doing.delete(seriesId);
    this.requestUpdate();
  }

  private go(address: string): void {
    this.dispatchEvent(new CustomEvent<string>("open", { detail: address }));
  }

  private async load(): Promise<ReceivedList> {
    const list = await api.received();
    this.dispatchEvent(new CustomEvent<number>("counted", { detail: list.series.length }));
    return list;
  }

  /** What is shown stays until the answer is there; the next try tells of an error that lasts. */
  private async refresh(): Promise<void> {
    if (!this.list.value) return;
    try {
      this.list.value = await this.load();
      this.requestUpdate();
    } catch {
      // The list is shown as it was.
    }
  }
}

function sender({ source, sender: title }: ReceivedSeries): string {
  const names: Record<string, string> = {
    "c-store": `${printable(title)}, by C-STORE`,
    "stow-rs": "a DICOMweb client",
    folder: "a watched folder",
    recovered: "not known: the database was lost",
  };
  return names[source] ?? printable(source);
}
