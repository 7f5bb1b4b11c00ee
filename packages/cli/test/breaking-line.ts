import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface BreakingLineOptions {
  /** Whether anybody answers after the first break. */
  readonly mend?: boolean;
  /** How many connections break off. */
  readonly breaking?: number;
  /** Which bytes count: those to the receiver, or from it. */
  readonly direction?: 'up' | 'down';
}

/** Hands TCP on to `port`; the first connections break off once so many bytes have gone. */
export async function breakingLine(port: number, afterBytes: number, options: BreakingLineOptions = {}) {
  const { mend = true, breaking = 1, direction = 'up' } = options;
  let lines = 0;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    lines += 1;
    const breaks = lines <= breaking;
    let carried = 0;
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket.on('error', () => {}));
      socket.on('close', () => {
        near.destroy();
        far.destroy();
      });
    }
    const [from, to] = direction === 'up' ? [near, far] : [far, near];
    to.pipe(from);
    from.on('data', (chunk: Buffer) => {
      carried += chunk.length;
      if (breaks && carried > afterBytes) {
        near.destroy();
        if (!mend) server.close();
      } else if (!to.write(chunk)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, [Symbol.dispose]: close };
}
