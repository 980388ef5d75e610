import { LitElement, css, html, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { announce } from "../accessibility";
import { api } from "../api/client";
import type { Check, Verification } from "../api/types";
import { sentence, time, whole } from "../format";
import { describe, type Problem } from "../state/problems";
import { verdictOf } from "../state/verdict";
import { disclosure } from "../styles/disclosure";
import { shared } from "../styles/shared";
import { icons } from "./icons";
import "./sp-notice";

/** Both are null while the checks run. */
export interface Checked {
  verification: Verification | null;
  problem: Problem | null;
}

/** Verifies a record at once, and again on demand; one line a check, which opens to what was expected and found. Event
 * `checked` with a Checked. */
@customElement("sp-verification")
export class VerificationPanel extends LitElement {
  static override styles = [
    shared,
    disclosure,
    css`
      .verdict {
        display: flex;
        align-items: center;
        gap: var(--space-3);
        font-size: var(--text-large);
        font-weight: 650;
      }
      .passed {
        color: var(--success);
      }
      .failed {
        color: var(--danger);
      }
      li {
        border-top: 1px solid var(--line);
      }
      summary {
        gap: var(--space-3);
        padding-block: var(--space-3);
      }
      summary:hover .name {
        text-decoration: underline;
        text-underline-offset: 0.15em;
      }
      summary .icon {
        display: block;
      }
      details dl {
        padding: 0 0 var(--space-4) calc(1.25em + var(--space-3));
      }
      .name {
        font-weight: 600;
      }
      .outcome {
        font-weight: 400;
      }
    `,
  ];

  @property({ attribute: false }) imageId = "";
  /** A new number runs the checks again: the record has changed. */
  @property({ type: Number }) additions = 0;
  @state() private verification: Verification | null = null;
  @state() private problem: Problem | null = null;

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("imageId") || changed.has("additions")) void this.verify();
  }

  private get stateName(): string {
    if (this.problem) return "error";
    if (!this.verification) return "running";
    return this.verification.passed ? "passed" : "failed";
  }

  protected override render() {
    return html`<div class="stack" data-testid="verification" data-state=${this.stateName}>
      ${this.verdict()} ${this.extent()}
      ${this.verification
        ? html`<ul class="checks" aria-label="Checks">
            ${this.verification.checks.map(line)}
          </ul>`
        : nothing}
      ${this.problem
        ? html`<sp-notice .problem=${this.problem}></sp-notice>`
        : nothing}
      ${this.verification || this.problem
        ? html`<button class="button" type="button" @click=${() => void this.verify()}>Verify again</button>`
        : nothing}
    </div>`;
  }

  private verdict() {
    if (this.problem) return nothing;
    if (!this.verification) {
      return html`<p class="busy" role="status">
        <span class="spinner"></span>Checking against the chain and running the model again …
      </p>`;
    }
    const { tone, title, text } = verdictOf(this.verification);
    return html`<p class="verdict ${tone === "success" ? "passed" : "failed"}">
        ${tone === "success" ? icons.success : icons.cross} ${title}
      </p>
      <p class="soft small">${text}</p>`;
  }

  /** Up to which block nothing was left out, and what is on the chain beside the record and changes nothing. */
  private extent() {
    if (!this.verification) return nothing;
    const { completeness, noiseCount } = this.verification;
    return html`<p class="soft small" data-testid="completeness">
        ${completeness
          ? html`Complete up to block ${whole(completeness.block.number)} (${time(completeness.block.timestamp)}): the registry's state shows that
              no diagnosis and no review was left out.`
          : "Completeness not shown: a newer step, such as a withdrawal, may have been left out."}
      </p>
      ${noiseCount > 0
        ? html`<p class="soft small" data-testid="noise">
            ${noiseCount === 1 ? "1 review" : `${whole(noiseCount)} reviews`} on the chain ${noiseCount === 1 ? "is" : "are"} of diagnoses that were
            never recorded. Any reviewer can add such reviews; they change nothing.
          </p>`
        : nothing}`;
  }

  private async verify(): Promise<void> {
    const { imageId } = this;
    this.show(null, null);
    try {
      const verification = await api.verification(imageId);
      if (imageId !== this.imageId) return;
      this.show(verification, null);
      announce(verdictOf(verification).title);
    } catch (error) {
      if (imageId === this.imageId) this.show(null, describe(error));
    }
  }

  private show(verification: Verification | null, problem: Problem | null): void {
    this.verification = verification;
    this.problem = problem;
    this.dispatchEvent(new CustomEvent<Checked>("checked", { detail: { verification, problem } }));
  }
}

function line({ name, passed, expected, found }: Check) {
  const outcome = passed ? "passed" : "failed";
  return html`<li data-testid="check" data-passed=${passed}>
    <details ?open=${!passed}>
      <summary>
        <span class=${outcome}>${passed ? icons.success : icons.cross}</span>
        <span class="name">${sentence(name)} <span class="outcome ${outcome}">${outcome}</span></span>
      </summary>
      <dl class="terms small">
        <dt>Expected</dt>
        <dd>${expected}</dd>
        <dt>Found</dt>
        <dd>${found}</dd>
      </dl>
    </details>
  </li>`;
}
