import type { LitElement } from "lit";
import { announce } from "../accessibility";

/** A part of an element that fills the screen on request. Listen to `fullscreenchange` of the part with `changed`. */
export class FullScreen {
  active = false;

  constructor(
    private readonly host: LitElement,
    private readonly part: () => HTMLElement | null,
    private readonly after: () => void,
  ) {}

  readonly toggle = (): void => {
    const change = document.fullscreenElement ? document.exitFullscreen() : this.part()?.requestFullscreen();
    change?.catch(() => announce("The browser does not allow full screen here"));
  };

  readonly changed = (): void => {
    this.active = this.part() !== null && this.host.shadowRoot?.fullscreenElement === this.part();
    this.host.requestUpdate();
    this.after();
  };
}
