import { clamp } from "../imaging/geometry";

const ACROSS: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
const DOWN: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };

/** Buttons that are one stop of the Tab key together; the arrow keys move among them (WAI-ARIA, roving tabindex). */
export class TabStop {
  /** The button that the Tab key reaches. */
  private stop = 0;

  /** In a `list`, the keys up and down move too. */
  constructor(
    private readonly buttons: () => NodeListOf<HTMLElement>,
    private readonly list = false,
  ) {}

  /** Call after every update of the host. */
  update(): void {
    this.move(this.stop);
  }

  readonly pressed = (event: KeyboardEvent): void => {
    const step = ACROSS[event.key] ?? (this.list ? DOWN[event.key] : undefined);
    if (step === undefined) return;
    event.preventDefault();
    this.move(clamp(this.stop + step, 0, this.buttons().length - 1));
    this.buttons()[this.stop]?.focus();
  };

  readonly focused = ({ target }: Event): void => {
    const button = (target as Element).closest("button");
    const index = [...this.buttons()].findIndex((other) => other === button);
    if (index >= 0) this.move(index);
  };

  private move(stop: number): void {
    const buttons = this.buttons();
    this.stop = clamp(stop, 0, Math.max(buttons.length - 1, 0));
    buttons.forEach((button, index) => (button.tabIndex = index === this.stop ? 0 : -1));
  }
}
