import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Random } from '../fuzz/random.ts';
import { CuttingProxy } from './cutting-proxy.ts';
import { freePort, Party } from './parties.ts';
import { describe, type Incident, type IncidentKind, type Scenario } from './scenario.ts';

/** How one scenario went. */
export interface Played {
  readonly scenario: Scenario;
  /** What is wrong, in words; none when all is well. */
  readonly problems: readonly string[];
  /** Incidents that came about; the transfer may be over before the last of them. */
  readonly incidents: readonly IncidentKind[];
  /** Bytes that were carried to the receiver beyond those of the files. */
  readonly extraBytes: number;
  /** For each cut: from then until bytes of a file were carried again. */
  readonly recoveryMs: readonly { readonly kind: IncidentKind; readonly ms: number }[];
  readonly seconds: number;
}

/** The line is given up after so long a silence. Real lines get longer; here somebody waits for each of them. */
const LINE_TIMEOUT = '1s';
/** Handshake, offers and acknowledgements of one connection are less than this; what is more is bytes of files. */
const WITHOUT_FILES_BYTES = 8 * 1024;
/** Nothing takes so long that is not stuck. */
const STUCK_MS = 120_000;

/** Plays a scenario with real processes, and looks at what is left. Rejects only when it cannot be played at all. */
export async function play(scenario: Scenario): Promise<Played> {
  const beganAt = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'wsferry-chaos-'));
  const source = join(folder, 'source');
  const inbox = join(folder, 'inbox');
  await Promise.all([mkdir(source), mkdir(inbox)]);
  await Promise.all(
    scenario.files.map(({ name, bytes }, index) =>
      writeFile(join(source, name), contentOf(scenario.seed, index, bytes)),
    ),
  );
  const stage = new Stage(scenario, source, inbox);
  try {
    await stage.begin();
    const problems = await stage.play();
    problems.push(...(await compare(source, inbox)));
    const total = scenario.files.reduce((sum, { bytes }) => sum + bytes, 0);
    return {
      scenario,
      problems,
      incidents: stage.happened,
      extraBytes: Math.max(0, stage.proxy.carried.up - total),
      recoveryMs: stage.recoveryMs,
      seconds: (performance.now() - beganAt) / 1000,
    };
  } finally {
    await stage.end();
    await rm(folder, { recursive: true, force: true });
  }
}

function contentOf(seed: number, index: number, bytes: number): Uint8Array {
  // A block that is repeated with a counter in it: quick to make, and nowhere the same.
  const random = new Random(seed * 31 + index);
  const block = random.bytes(Math.min(bytes, 65_536));
  const content = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += block.length) {
    content.set(block.subarray(0, Math.min(block.length, bytes - at)), at);
    content[at] = at / 65_536;
  }
  return content;
}

/** Sender, proxy and receiver, and what befalls them. */
class Stage {
  readonly happened: IncidentKind[] = [];
  readonly recoveryMs: { kind: IncidentKind; ms: number }[] = [];
  readonly #scenario: Scenario;
  readonly #source: string;
  readonly #inbox: string;
  readonly #todo: Incident[];
  proxy!: CuttingProxy;
  #receiver!: Party;
  #sender!: Party;
  /** A kill and what follows it; awaited before the end is believed. */
  #acting: Promise<void> = Promise.resolve();
  /** The last cut, until a byte of a file is carried over a later connection. */
  #cut: { kind: IncidentKind; at: number; connection: number; bytes: number } | undefined;

  constructor(scenario: Scenario, source: string, inbox: string) {
    this.#scenario = scenario;
    this.#source = source;
    this.#inbox = inbox;
    this.#todo = [...scenario.incidents];
  }

  async begin(): Promise<void> {
    const port = await freePort();
    this.#receiver = new Party(['serve', '--port', String(port), '--dir', this.#inbox], this.#inbox);
    this.proxy = new CuttingProxy(port);
    this.proxy.onCarried = (direction, connection, bytes) => {
      if (direction === 'up') this.#lookForRecovery(connection, bytes);
    };
    const to = `ws://127.0.0.1:${await this.proxy.listen()}`;
    const paths = this.#scenario.files.map(({ name }) => `./${name}`);
    this.#sender = new Party(
      ['send', ...paths, '--to', to, '--retry-for', '60s', '--line-timeout', LINE_TIMEOUT],
      this.#source,
    );
    await this.#startReceiver();
  }

  async play(): Promise<string[]> {
    this.#arm();
    this.#sender.start();
    let timer: NodeJS.Timeout | undefined;
    const stuck = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('stuck')), STUCK_MS);
    });
    try {
      return await Promise.race([this.#untilSent(), stuck]);
    } catch (error) {
      return [`${(error as Error).message}; the sender's last words: ${lastWords(this.#sender)}`];
    } finally {
      clearTimeout(timer);
    }
  }

  async end(): Promise<void> {
    this.#todo.length = 0;
    await this.#acting.catch(() => {});
    await this.#sender?.signal('SIGKILL');
    await this.#receiver?.signal('SIGKILL');
    await this.proxy?.close();
  }

  /** Runs the sender until it ends by itself, again after every kill. */
  async #untilSent(): Promise<string[]> {
    for (;;) {
      const ended = await this.#sender.ended();
      await this.#acting;
      if (ended === 'SIGKILL') continue;
      const code = await this.#receiver.signal('SIGTERM');
      const problems: string[] = [];
      if (ended !== 0) problems.push(`the sender ended with ${ended}: ${lastWords(this.#sender)}`);
      if (code !== 143) problems.push(`the receiver ended with ${code}: ${lastWords(this.#receiver)}`);
      return problems;
    }
  }

  #arm(): void {
    const incident = this.#todo.shift();
    if (!incident) return;
    const { kind, after } = incident;
    this.proxy.setTrap(after.direction, after.bytes, () => {
      this.happened.push(kind);
      this.#cut = { kind, at: performance.now(), connection: this.proxy.connections, bytes: 0 };
      this.#acting = this.#act(kind).then(() => this.#arm());
      this.#acting.catch(() => {});
    });
  }

  async #act(kind: IncidentKind): Promise<void> {
    switch (kind) {
      case 'drop':
        return this.proxy.drop();
      case 'reset':
        return this.proxy.reset();
      case 'stall':
        return this.proxy.stall();
      case 'half-open':
        return this.proxy.halfOpen();
      case 'slow':
        this.#cut = undefined; // nothing has to recover
        return this.proxy.slow();
      case 'kill sender':
        await this.#sender.signal('SIGKILL');
        this.#sender.start();
        return;
      case 'kill receiver':
        await this.#receiver.signal('SIGKILL');
        return this.#startReceiver();
      case 'kill both':
        await Promise.all([this.#sender.signal('SIGKILL'), this.#receiver.signal('SIGKILL')]);
        await this.#startReceiver();
        this.#sender.start();
    }
  }

  async #startReceiver(): Promise<void> {
    this.#receiver.start();
    await this.#receiver.next('receiver');
  }

  #lookForRecovery(connection: number, bytes: number): void {
    const cut = this.#cut;
    if (!cut || connection <= cut.connection) return;
    cut.bytes += bytes;
    if (cut.bytes < WITHOUT_FILES_BYTES) return;
    this.recoveryMs.push({ kind: cut.kind, ms: performance.now() - cut.at });
    this.#cut = undefined;
  }
}

function lastWords(party: Party): string {
  const words = party.events
    .filter(({ event }) => event !== 'progress')
    .slice(-4)
    .map((event) => JSON.stringify(event));
  return [...words, party.stderr.trim()].filter(Boolean).join(' | ');
}

/** Every file is there once, with the right bytes, and nothing else. */
async function compare(source: string, inbox: string): Promise<string[]> {
  const problems: string[] = [];
  const wanted = (await readdir(source)).map((name) => name.normalize('NFC')).sort();
  const there = (await readdir(inbox)).sort();
  for (const name of there) if (!wanted.includes(name)) problems.push(`left over: ${name}`);
  for (const name of wanted) {
    if (!there.includes(name)) problems.push(`missing: ${name}`);
    else if ((await digestOf(join(source, name))) !== (await digestOf(join(inbox, name))))
      problems.push(`wrong: ${name}`);
  }
  return problems;
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** One line for a scenario that was played. */
export function summary({ scenario, problems, seconds }: Played): string {
  const verdict = problems.length === 0 ? 'well' : `NOT WELL: ${problems.join('; ')}`;
  return `${describe(scenario)} — ${verdict} (${seconds.toFixed(1)} s)`;
}
