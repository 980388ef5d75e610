import { LitElement, css } from "lit";
import { state } from "lit/decorators.js";

/** List it after the component's own styles, which give the zone its border. */
export const fileZone = css`
  .zone {
    position: relative;
  }
  .zone.over {
    border-color: var(--accent);
    background: var(--accent-soft);
  }
  .zone:focus-within {
    outline: 3px solid var(--focus);
    outline-offset: 2px;
  }
  input {
    position: absolute;
    inset: 0;
    width: 100%;
    opacity: 0;
    cursor: pointer;
  }
`;

/** Takes one file, dropped or chosen; a real file input, so that keyboard and screen reader need nothing special. */
export abstract class FileZone extends LitElement {
  /** Whether a file is dragged over the zone. */
  @state() protected over = false;

  protected abstract take(file: File): void;

  protected dragged(event: DragEvent): void {
    event.preventDefault();
    this.over = true;
  }

  protected left(): void {
    this.over = false;
  }

  protected dropped(event: DragEvent): void {
    event.preventDefault();
    this.over = false;
    const file = event.dataTransfer?.files[0];
    if (file) this.take(file);
  }

  protected chosen({ target }: Event): void {
    const input = target as HTMLInputElement;
    const file = input.files?.[0];
    if (file) this.take(file);
    // The same file may be chosen again.
    input.value = "";
  }
}
