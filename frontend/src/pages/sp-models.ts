import { LitElement, css, html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { api } from "../api/client";
import type { Model } from "../api/types";
import "../components/sp-comparison";
import "../components/sp-hash";
import "../components/sp-markdown";
import "../components/sp-notice";
import { percent } from "../format";
import { describe, type Problem } from "../state/problems";
import { MODEL_STATUSES } from "../state/diagnosis-status";
import { disclosure } from "../styles/disclosure";
import { shared } from "../styles/shared";

/** `/models`: what the models can and cannot do. */
@customElement("sp-models")
export class ModelsPage extends LitElement {
  static override styles = [
    shared,
    disclosure,
    css`
      .figures {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(12rem, 100%), 1fr));
        gap: var(--space-4);
      }
      .figures div {
        display: flex;
        flex-direction: column-reverse;
        justify-content: flex-end;
        padding: var(--space-4);
        border-radius: var(--radius-small);
        background: var(--sunken);
      }
      .figures dd.value {
        font-size: var(--text-h2);
        font-weight: 650;
        font-variant-numeric: tabular-nums;
      }
      .weak {
        padding-left: var(--space-4);
        border-left: 4px solid var(--warning);
      }
      summary {
        min-height: 2.75rem;
        font-weight: 600;
      }
      summary:hover {
        text-decoration: underline;
      }
      .tag {
        padding: 0.1rem 0.5rem;
        border-radius: 1rem;
        background: var(--accent-soft);
        color: var(--accent);
        font-size: var(--text-small);
        font-weight: 600;
        letter-spacing: 0;
        vertical-align: middle;
      }
    `,
  ];

  @state() private models: Model[] | null = null;
  @state() private problem: Problem | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  protected override render() {
    return html`<div class="stack">
      <h1 tabindex="-1">Models</h1>
      <p class="lead">What each model answers, how it was measured, and where it fails. None of them is for diagnosis.</p>
      ${this.problem
        ? html`<sp-notice level="2" .problem=${this.problem}>
            <button class="button" type="button" @click=${() => void this.load()}>Try again</button>
          </sp-notice>`
        : nothing}
      ${this.models?.map(article) ?? (this.problem ? nothing : html`<p class="busy soft"><span class="spinner"></span>Loading …</p>`)}
      ${this.models?.length === 0 ? html`<p class="panel">No model is installed: images can be registered, not classified.</p>` : nothing}
      <sp-comparison></sp-comparison>
    </div>`;
  }

  private async load(): Promise<void> {
    this.problem = null;
    try {
      this.models = await api.models();
    } catch (error) {
      this.problem = describe(error);
    }
  }
}

function article(model: Model) {
  const { name, version, modality, sha256, classes, card, weak, chainStatus } = model;
  return html`<article class="panel stack" data-testid="model">
    <h2>${name} ${version} ${model.default ? html`<span class="tag">default</span>` : nothing}</h2>
    ${figures(model.metrics)}
    <dl class="terms small">
      <dt>Modality</dt>
      <dd>${modality}</dd>
      <dt>Answers</dt>
      <dd>${classes.map(({ text, code }) => `${text} (${code})`).join(", ")}, or none (0)</dd>
      <dt>Model hash</dt>
      <dd><sp-hash .value=${sha256} label="model hash"></sp-hash></dd>
      <dt>On the chain</dt>
      <dd>${chainStatus ? MODEL_STATUSES[chainStatus] : "The chain cannot be asked now"}</dd>
    </dl>
    ${weak ? html`<p class="weak"><strong>Weak.</strong> ${weak}</p>` : nothing}
    <details>
      <summary>Model card: data, all figures, weaknesses</summary>
      <sp-markdown .text=${card}></sp-markdown>
    </details>
  </article>`;
}

interface Figures {
  images?: number;
  accuracy?: number;
  accuracy_interval?: [low: number, high: number];
  balanced_accuracy?: number;
  balanced_accuracy_interval?: [low: number, high: number];
  abstention?: { rate: number; accuracy_when_answering: number | null };
}

/** The first figures to look at, of the split that was measured once; the card has all. */
function figures(metrics: Model["metrics"]) {
  const test = metrics.test as Figures | undefined;
  if (!test?.accuracy) return nothing;
  const { images, accuracy, accuracy_interval, balanced_accuracy, balanced_accuracy_interval, abstention } = test;
  const interval = (range?: [number, number]) => (range ? `95\u00a0% interval ${percent(range[0])} to ${percent(range[1])}` : "");
  const rows: [name: string, value: string, about: string][] = [["Accuracy", percent(accuracy), interval(accuracy_interval)]];
  if (balanced_accuracy) {
    rows.push(["Balanced accuracy", percent(balanced_accuracy), interval(balanced_accuracy_interval)]);
  }
  const withoutCopies = metrics.test_apart as Figures | undefined;
  if (withoutCopies?.accuracy) {
    const about = [interval(withoutCopies.accuracy_interval), `on the ${withoutCopies.images} test images without a copy in training`];
    rows.push(["Accuracy without copies", percent(withoutCopies.accuracy), about.filter(Boolean).join(" ")]);
  }
  if (abstention) rows.push(["Gives no answer", percent(abstention.rate), "of the test images"]);
  return html`<dl class="figures" aria-label="Figures on ${images ?? ""} test images">
    ${rows.map(
      ([name, value, about]) => html`<div>
        <dd class="soft small">${about}</dd>
        <dd class="value">${value}</dd>
        <dt class="soft">${name}</dt>
      </div>`,
    )}
  </dl>`;
}
