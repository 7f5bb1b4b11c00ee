import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Random } from '../fuzz/random.ts';
import { CuttingProxy, type Direction } from './cutting-proxy.ts';
import { freePort, Party } from './parties.ts';
import { ResumeJudge } from './resume-judge.ts';
import { describe, FOLDER, type Incident, type IncidentKind, type Scenario } from './scenario.ts';

/** How one scenario went. */
export interface Played {
  readonly scenario: Scenario;
  /** What is wrong, in words; none when all is well. */
  readonly problems: readonly string[];
  /** Incidents that came about; the transfer may be over before the last of them. */
  readonly incidents: readonly IncidentKind[];
  /** Bytes that were carried beyond those of the files. */
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

/** Something that is wrong with the program, to see whether it is found out: a receiver that never goes on with a file. */
export type Mutant = 'never resumes';

/** Plays a scenario with real processes, and looks at what is left. Rejects only when it cannot be played at all. */
export async function play(scenario: Scenario, mutant?: Mutant): Promise<Played> {
  const beganAt = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'wsferry-chaos-'));
  const source = join(folder, 'source');
  const inbox = join(folder, 'inbox');
  await Promise.all([mkdir(source), mkdir(inbox)]);
  await Promise.all(
    scenario.files.map(async ({ name, bytes }, index) => {
      await mkdir(dirname(join(source, name)), { recursive: true });
      await writeFile(join(source, name), contentOf(scenario.seed, index, bytes));
    }),
  );
  const stage = new Stage(scenario, source, inbox, mutant);
  try {
    await stage.begin();
    const problems = await stage.play();
    problems.push(...stage.judge.problems, ...(await compare(source, inbox)));
    const total = scenario.files.reduce((sum, { bytes }) => sum + bytes, 0);
    return {
      scenario,
      problems,
      incidents: stage.happened,
      extraBytes: Math.max(0, stage.carried - total),
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

/** Whoever serves, the one that comes with a command, the proxy between them, and what befalls them. */
class Stage {
  readonly happened: IncidentKind[] = [];
  readonly recoveryMs: { kind: IncidentKind; ms: number }[] = [];
  readonly judge: ResumeJudge;
  readonly #scenario: Scenario;
  readonly #source: string;
  readonly #inbox: string;
  readonly #mutant: Mutant | undefined;
  readonly #todo: Incident[];
  /** Whether the one that comes gets the files, and does not send them. */
  readonly #gets: boolean;
  proxy!: CuttingProxy;
  #server!: Party;
  #client!: Party;
  /** A kill and what follows it; awaited before the end is believed. */
  #acting: Promise<void> = Promise.resolve();
  /** The last cut, until a byte of a file is carried over a later connection. */
  #cut: { kind: IncidentKind; at: number; connection: number; bytes: number } | undefined;

  constructor(scenario: Scenario, source: string, inbox: string, mutant: Mutant | undefined) {
    this.#scenario = scenario;
    this.#source = source;
    this.#inbox = inbox;
    this.#mutant = mutant;
    this.#todo = [...scenario.incidents];
    this.#gets = scenario.command.startsWith('get');
    this.judge = new ResumeJudge(scenario.files);
  }

  /** Bytes in the direction of the files. */
  get carried(): number {
    return this.proxy.carried[this.#towards('up')];
  }

  async begin(): Promise<void> {
    const { command, files } = this.#scenario;
    const port = await freePort();
    const dir = this.#gets ? this.#source : this.#inbox;
    const keep = this.#mutant === undefined ? [] : ['--keep-partials', '0'];
    this.#server = new Party(['serve', '--port', String(port), '--dir', dir, ...keep], dir);
    this.proxy = new CuttingProxy(port);
    this.proxy.onCarried = (direction, connection, bytes) => {
      if (direction !== this.#towards('up')) return;
      this.judge.carried(connection, bytes);
      this.#lookForRecovery(connection, bytes);
    };
    const url = `ws://127.0.0.1:${await this.proxy.listen()}`;
    const isFolder = command.endsWith('DIR');
    const paths = isFolder ? [FOLDER] : files.map(({ name }) => (this.#gets ? name : `./${name}`));
    const words = this.#gets
      ? ['get', ...(isFolder ? ['-r'] : []), ...paths, '--from', url]
      : ['send', ...paths, '--to', url];
    this.#client = new Party(
      [...words, '--retry-for', '60s', '--line-timeout', LINE_TIMEOUT],
      this.#gets ? this.#inbox : this.#source,
    );
    this.#client.onEvent = (event) => this.judge.heard(event);
    await this.#start(this.#server);
  }

  async play(): Promise<string[]> {
    this.#arm();
    this.#client.start();
    let timer: NodeJS.Timeout | undefined;
    const stuck = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('stuck')), STUCK_MS);
    });
    try {
      return await Promise.race([this.#untilSent(), stuck]);
    } catch (error) {
      return [`${(error as Error).message}; the last words: ${lastWords(this.#client)}`];
    } finally {
      clearTimeout(timer);
    }
  }

  async end(): Promise<void> {
    this.#todo.length = 0;
    await this.#acting.catch(() => {});
    await this.#client?.signal('SIGKILL');
    await this.#server?.signal('SIGKILL');
    await this.proxy?.close();
  }

  /** Runs the command until it ends by itself, again after every kill. */
  async #untilSent(): Promise<string[]> {
    for (;;) {
      const ended = await this.#client.ended();
      await this.#acting;
      if (ended === 'SIGKILL') continue;
      const code = await this.#server.signal('SIGTERM');
      const problems: string[] = [];
      if (ended !== 0) problems.push(`${this.#scenario.command} ended with ${ended}: ${lastWords(this.#client)}`);
      if (code !== 143) problems.push(`serve ended with ${code}: ${lastWords(this.#server)}`);
      return problems;
    }
  }

  #arm(): void {
    const incident = this.#todo.shift();
    if (!incident) return;
    const { kind, after } = incident;
    this.proxy.setTrap(this.#towards(after.direction), after.bytes, () => {
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
        return this.#killed(this.#gets ? this.#server : this.#client);
      case 'kill receiver':
        return this.#killed(this.#gets ? this.#client : this.#server);
      case 'kill both':
        await Promise.all([this.#client.signal('SIGKILL'), this.#server.signal('SIGKILL')]);
        await this.#start(this.#server);
        await this.#start(this.#client);
    }
  }

  async #killed(party: Party): Promise<void> {
    await party.signal('SIGKILL');
    await this.#start(party);
  }

  async #start(party: Party): Promise<void> {
    if (party === this.#client) this.judge.again();
    party.start();
    if (party === this.#server) await party.next('receiver');
  }

  /** `up` is as the files go, also where they are got. */
  #towards(direction: Direction): Direction {
    if (!this.#gets) return direction;
    return direction === 'up' ? 'down' : 'up';
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
  const [wanted, there] = await Promise.all([filesIn(source), filesIn(inbox)]);
  for (const name of there.keys()) if (!wanted.has(name)) problems.push(`left over: ${name}`);
  for (const [name, path] of wanted) {
    const arrived = there.get(name);
    if (arrived === undefined) problems.push(`missing: ${name}`);
    else if (path !== '' && (await digestOf(path)) !== (await digestOf(arrived))) problems.push(`wrong: ${name}`);
  }
  return problems;
}

/** Each file's path by its name within the folder; a folder's is ''. */
async function filesIn(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [relative(folder, path).normalize('NFC'), entry.isDirectory() ? '' : path];
    }),
  );
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
