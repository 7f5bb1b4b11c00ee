import { readFile } from 'node:fs/promises';

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Prints the functions of a .cpuprofile that took most time themselves, in percent of the time that was not idle. */
export async function printHot(path: string, count: number): Promise<void> {
  const { nodes, samples, timeDeltas } = JSON.parse(await readFile(path, 'utf8')) as CpuProfile;
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
      const where = url ? ` ${url.split('/').slice(-4).join('/')}:${lineNumber + 1}` : '';
      return [id, `${functionName || '(anonymous)'}${where}`] as const;
    }),
  );
  const times = new Map<string, number>();
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    const name = names.get(id)!;
    const micros = timeDeltas[index]!;
    if (name === '(idle)') continue;
    busy += micros;
    times.set(name, (times.get(name) ?? 0) + micros);
  }
  const hottest = [...times].sort(([, a], [, b]) => b - a).slice(0, count);
  for (const [name, micros] of hottest) console.log(`${((100 * micros) / busy).toFixed(1).padStart(5)} %  ${name}`);
}
