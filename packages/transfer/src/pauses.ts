import type { PauseFile, ResumeFile } from './packets.ts';

/** What comes of a pause: a packet for the peer, or news for whoever watches the transfer. */
export type PauseAction =
  | { readonly do: 'send'; readonly packet: PauseFile | ResumeFile }
  | { readonly do: 'paused'; readonly by: 'local' | 'peer' }
  | { readonly do: 'continued'; readonly by: 'local' | 'peer' };

/**
 * Who has paused a transfer. It is no state of the machines, but lies over all of theirs in which the transfer is open: each
 * side has a flag of its own, and takes back only that. Saying the same twice is no fault.
 */
export class Pauses {
  readonly #id: number;
  /** Before the receiver has taken the offer a pause is ours alone: a peer that does not know the packet would take it ill. */
  #open = false;
  #local = false;
  #peer = false;

  constructor(id: number) {
    this.#id = id;
  }

  /** Whether either side has paused it. */
  get any(): boolean {
    return this.#local || this.#peer;
  }

  /** The offer is taken. */
  opened(): readonly PauseAction[] {
    this.#open = true;
    return this.#local ? [this.#told()] : [];
  }

  /** This side pauses it, or goes on. */
  turn(paused: boolean): readonly PauseAction[] {
    if (paused === this.#local) return [];
    this.#local = paused;
    return this.#open ? [this.#told(), news(paused, 'local')] : [news(paused, 'local')];
  }

  /** The peer pauses it, or goes on. */
  receive(packet: PauseFile | ResumeFile): readonly PauseAction[] {
    const paused = packet.type === 'PAUSE_FILE';
    if (paused === this.#peer) return [];
    this.#peer = paused;
    return [news(paused, 'peer')];
  }

  #told(): PauseAction {
    return { do: 'send', packet: { type: this.#local ? 'PAUSE_FILE' : 'RESUME_FILE', id: this.#id } };
  }
}

function news(paused: boolean, by: 'local' | 'peer'): PauseAction {
  return { do: paused ? 'paused' : 'continued', by };
}
