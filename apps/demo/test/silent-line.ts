import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Hands TCP on to `port`, until what is open falls silent: nothing is carried any more, and both sides see an open line. */
export async function silentLine(port: number) {
  let sockets: Socket[] = [];
  const all = new Set<Socket>();
  const server = createServer((near) => {
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
    close() {
      server.close();
      for (const socket of all) socket.destroy();
    },
  };
}
