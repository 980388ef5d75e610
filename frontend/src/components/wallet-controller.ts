import type { ReactiveController, ReactiveControllerHost } from "lit";
import { wallet } from "../chain/wallet";
import type { WalletState } from "../chain/wallet-state";

/** Updates its host whenever the wallet's state changes. */
export class WalletController implements ReactiveController {
  constructor(private readonly host: ReactiveControllerHost) {
    host.addController(this);
  }

  get state(): WalletState {
    return wallet.state;
  }

  private readonly changed = (): void => this.host.requestUpdate();

  hostConnected(): void {
    wallet.addEventListener("change", this.changed);
  }

  hostDisconnected(): void {
    wallet.removeEventListener("change", this.changed);
  }
}
