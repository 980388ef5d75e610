import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { ChainConfig, Hex } from "../api/types";
import { intents, type Intent } from "../chain/intents";

/** What wallets were asked to sign; updates its host whenever this or another tab asks a wallet for something, or hears its end. */
export class IntentController implements ReactiveController {
  private stop: () => void = () => undefined;

  constructor(private readonly host: ReactiveControllerHost) {
    host.addController(this);
  }

  find(subject: Hex, chain: ChainConfig): Intent | null {
    return intents.find(subject, chain);
  }

  ofImage(cid: string, chain: ChainConfig): Intent[] {
    return intents.ofImage(cid, chain);
  }

  hostConnected(): void {
    this.stop = intents.watch(() => this.host.requestUpdate());
  }

  hostDisconnected(): void {
    this.stop();
  }
}
