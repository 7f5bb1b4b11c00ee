import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { temporaryDirectory } from './temporary-directory.ts';

/** An nginx of our own, in a folder of its own: not the machine's. */
export interface Nginx extends AsyncDisposable {
  /** 127.0.0.1:PORT. */
  readonly host: string;
}

export interface NginxOptions {
  /** The `server` blocks, given where to listen: `127.0.0.1:PORT`. */
  readonly servers: (listen: string) => string;
  /** Further files for its folder, which is also where relative names in the configuration lead. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Starts an nginx in the foreground, as one process, and waits until it listens. */
export async function startNginx({ servers, files = {} }: NginxOptions): Promise<Nginx> {
  const folder = await temporaryDirectory();
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder.path, name), text);
  // Between finding a port free and nginx taking it, somebody else may: then it says so and we look again.
  for (let tries = 1; ; tries++) {
    const host = `127.0.0.1:${await freePort()}`;
    await writeFile(join(folder.path, 'nginx.conf'), wholeConfiguration(folder.path, servers(host)));
    const child = spawn('/usr/sbin/nginx', ['-p', folder.path, '-c', 'nginx.conf'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const stop = async () => {
      const gone = child.exitCode ?? child.signalCode ?? once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    };
    const problem = await started(child);
    if (problem === undefined) {
      child.stderr.resume(); // nobody reads on, and a full pipe would stop it
      return { host, [Symbol.asyncDispose]: () => stop().then(() => folder.remove()) };
    }
    await stop();
    if (tries < 3 && problem.includes('Address already in use')) continue;
    await folder.remove();
    throw new Error(`nginx did not start:\n${problem}`);
  }
}

/** Everything in the folder, nothing of the machine's; one process, so that its id is all there is to stop. */
function wholeConfiguration(folder: string, servers: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `  ${kind}_temp_path ${join(folder, kind)};`)
    .join('\n');
  return `daemon off;
master_process off;
pid ${join(folder, 'nginx.pid')};
error_log stderr notice;
events {}
http {
  access_log off;
${temporary}
${servers}
}
`;
}

/** `undefined` once it listens, or everything it said when it ended instead. */
async function started(child: ChildProcessByStdio<null, null, Readable>): Promise<string | undefined> {
  let said = '';
  for await (const chunk of child.stderr.iterator({ destroyOnReturn: false })) {
    said += chunk;
    // Its sockets are open before it says which version it is.
    if (/\[notice\].* nginx\/\d/.test(said)) return undefined;
  }
  return said;
}

/** A port that nobody had a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
