import { type FileData, type MessagePipe, parsePacket, pipePair } from '../src/index.ts';

/** When and how a line breaks: `lost`, both ends see it at once; `ghost`, the far end hears nothing more and waits on. */
export interface Cut {
  /** Messages, both ways together, that still arrive. */
  readonly after: number;
  readonly how: 'lost' | 'ghost';
}

/** Two ends of a line that breaks where it is told to, or holds. */
export function cuttablePair(cut?: Cut) {
  const [near, far] = pipePair();
  const data: FileData[] = [];
  let carried = 0;
  let broken = false;
  let silence!: () => void;
  const silent = new Promise<undefined>((resolve) => {
    silence = () => resolve(undefined);
  });
  function carry(pipe: MessagePipe, message: string | Uint8Array): boolean {
    const packet = parsePacket(message);
    if (packet.type === 'FILE_DATA') data.push({ ...packet, bytes: packet.bytes.slice() });
    if (broken) return true;
    carried += 1;
    if (cut === undefined || carried <= cut.after) return pipe.send(message);
    broken = true;
    if (cut.how === 'lost') near.abort();
    silence();
    return true;
  }
  const carrying = (pipe: MessagePipe): MessagePipe => ({
    send: (message) => carry(pipe, message),
    drained: (options) => pipe.drained(options),
    close: (code, reason) => pipe.close(code, reason),
    [Symbol.asyncIterator]: () => pipe[Symbol.asyncIterator](),
  });
  /** The near end notices the silence, as a keepalive does. */
  async function* untilSilent(): AsyncGenerator<string | Uint8Array> {
    const messages = near[Symbol.asyncIterator]();
    for (;;) {
      const next = await Promise.race([messages.next(), silent]);
      if (next === undefined || next.done) return;
      yield next.value;
    }
  }
  return {
    near: { ...carrying(near), [Symbol.asyncIterator]: untilSilent },
    far: carrying(far),
    /** The FILE_DATA that was sent, whether it arrived or not. */
    data: data as readonly FileData[],
    broken: () => broken,
    /** Now the far end sees it too. */
    end: () => near.abort(),
  };
}
