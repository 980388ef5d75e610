import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { api, viewOf } from "../api/client";
import type { Case, Similar } from "../api/types";
import { percent, whole } from "../format";
import { shared } from "../styles/shared";
import { LoadController } from "./load-controller";
import { loadNotice } from "./load-notice";
import "./sp-status";

/** Recorded cases that look like this image to the model, with what became of them. */
@customElement("sp-similar")
export class SimilarCases extends LitElement {
  static override styles = [
    shared,
    css`
      ul {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(11rem, 100%), 1fr));
        gap: var(--space-4);
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        min-width: 0;
      }
      a {
        display: block;
      }
      img {
        display: block;
        width: 100%;
        height: 8rem;
        margin-bottom: var(--space-2);
        border-radius: var(--radius-small);
        background: var(--viewer);
        object-fit: contain;
      }
    `,
  ];

  @property() cid = "";
  /** The name of the model, empty for the one for this kind of image. */
  @property() model = "";
  private readonly found = new LoadController<Similar>(this);

  protected override willUpdate(): void {
    this.found.show(`${this.cid} ${this.model}`, () => api.similar(this.cid, this.model));
  }

  protected override render() {
    const { value, problem } = this.found;
    return html`<div class="stack" data-testid="similar">
      <h2>Cases like this one</h2>
      <p class="soft small">
        Recorded images that are similar to the model. That is not the same disease, and it repeats the model's errors.
      </p>
      ${loadNotice(this.found)}
      ${value || problem ? nothing : html`<p class="busy soft" role="status"><span class="spinner"></span>Comparing …</p>`}
      ${value ? this.cases(value) : nothing}
    </div>`;
  }

  private cases({ cases, compared, reason }: Similar) {
    if (reason) return html`<p>Nothing was compared: ${reason}.</p>`;
    if (cases.length === 0) return html`<p>No other recorded image is known that this model classified in public.</p>`;
    return html`<ul>
        ${cases.map((each) => this.case(each))}
      </ul>
      <p class="soft small">The nearest of ${whole(compared)} compared.</p>`;
  }

  private case(each: Case) {
    return html`<li class="small" data-testid="similar-case">
      <a href="/records/${each.imageId}">
        <img src=${viewOf(each.cid)} alt="" loading="lazy" />
        <strong>${each.current?.labelText ?? each.labelText}</strong>
      </a>
      <p><sp-status .status=${each.status}></sp-status></p>
      <p class="soft">
        ${each.confidence === null || each.status === "abstained" ? nothing : html`Model: ${each.labelText}, ${percent(each.confidence)}.`}
        ${each.sameImage ? html`<strong>The same image, another copy.</strong>` : html`Distance ${each.distance.toFixed(3)}`}
      </p>
    </li>`;
  }
}
