import { LitElement, css, html, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { announce } from "../accessibility";
import type { Problem } from "../state/problems";
import { shared } from "../styles/shared";
import { tones } from "../styles/tones";
import { icons } from "./icons";

/**
 * A problem: what happened and what to do. Its buttons go into the slot; the first one, which retries, is
 * disabled while `problem.retryAfter` runs.
 */
@customElement("sp-notice")
export class Notice extends LitElement {
  static override styles = [
    shared,
    css`
      .notice {
        --tone: var(--info);
        --tone-soft: var(--info-soft);
        display: grid;
        grid-template-columns: auto minmax(0, 1fr);
        gap: var(--space-1) var(--space-3);
        padding: var(--space-4);
        border: 1px solid color-mix(in srgb, var(--tone) 35%, transparent);
        border-radius: var(--radius);
        background: var(--tone-soft);
      }
      .icon,
      .title {
        color: var(--tone);
      }
      .title {
        font-weight: 650;
      }
      .text,
      .actions {
        grid-column: 2;
      }
      .text {
        overflow-wrap: anywhere;
        text-wrap: pretty;
      }
      .actions {
        margin-top: var(--space-2);
      }
    `,
    tones,
  ];

  @property({ attribute: false }) problem!: Problem;
  @property({ type: Number }) level = 3;
  @state() private hasActions = false;
  @state() private waiting = 0;
  private timer = 0;

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("problem") || same(changed.get("problem"), this.problem)) return;
    announce(`${this.problem.title}. ${this.problem.text}`);
    window.clearInterval(this.timer);
    this.waiting = this.problem.retryAfter ?? 0;
    if (this.waiting > 0) this.timer = window.setInterval(() => this.tick(), 1000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.clearInterval(this.timer);
  }

  protected override updated(): void {
    const again = this.querySelector("button");
    if (again) again.disabled = this.waiting > 0;
  }

  protected override render() {
    const { kind, tone, title, text, type } = this.problem;
    return html`<div class="notice ${tone}" data-testid="notice" data-kind=${kind} data-type=${type ?? nothing}>
      ${icons[tone]}
      <p class="title" role="heading" aria-level=${this.level}>${title}</p>
      <p class="text">${text}</p>
      <div class="actions" ?hidden=${!this.hasActions}>
        <slot @slotchange=${this.slotChanged}></slot>
        ${this.waiting > 0 ? html`<span class="soft small">in ${this.waiting} s</span>` : nothing}
      </div>
    </div>`;
  }

  private slotChanged({ target }: Event): void {
    this.hasActions = (target as HTMLSlotElement).assignedElements().length > 0;
  }

  private tick(): void {
    this.waiting -= 1;
    if (this.waiting <= 0) window.clearInterval(this.timer);
  }
}

function same(before: Problem | undefined, now: Problem): boolean {
  return before?.title === now.title && before.text === now.text;
}
