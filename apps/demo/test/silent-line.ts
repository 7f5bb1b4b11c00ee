import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * Hands TCP on to `port`, until what is open falls silent: nothing is carried any more, and both sides see an open line.
 * While `mute`, new connections are taken and nothing is ever carried on them.
 */
export async function silentLine(port: number) {
  let sockets: Socket[] = [];
  const all = new Set<Socket>();
  let muted = false;
  const server = createServer((near) => {
    if (muted) {
      all.add(near.on('error', () => {}));
      return;
    }
    const far = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      all.add(one.on('error', () => {}));
      one.pipe(other);
      one.on('close', () => other.destroy());
    }
    sockets.push(near, far);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    silence() {
      for (const socket of sockets) socket.unpipe().pause();
      sockets = [];
    },
    mute(on: boolean) {
      muted = on;
    },
    /** Ends what is open, and both sides see it. */
    drop() {
      for (const socket of all) socket.destroy();
    },
    close() {
      server.close();
      for (const socket of all) socket.destroy();
    },
  };
}
