/** Labels of a sample: names and values. */
export type Labels = Readonly<Record<string, string>>;

/** A number that only grows, one for each set of labels. */
export interface Counter {
  inc(labels?: Labels, by?: number): void;
}

/** What a metric is at the moment of asking. `undefined`: nothing is known. */
type Read = () => number | undefined | Promise<number | undefined>;

interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  samples(): Promise<readonly (readonly [labels: string, value: number])[]>;
}

/**
 * Metrics in the text format of Prometheus, version 0.0.4. By hand: the format is a page, and the common library brings
 * quantile digests and a timer for a dozen counters (docs/decisions/0001-tools.md).
 */
export class Metrics {
  readonly #metrics: Metric[] = [];

  /** A counter; without labels it is there from 0 on, so that its rate is known from the first event. */
  counter(name: string, help: string, { labeled = false } = {}): Counter {
    const values = new Map<string, number>(labeled ? [] : [['', 0]]);
    this.#metrics.push({ name, type: 'counter', help, samples: async () => [...values] });
    return {
      inc(labels = {}, by = 1) {
        const key = written(labels);
        values.set(key, (values.get(key) ?? 0) + by);
      },
    };
  }

  /** A number that is asked for when somebody looks. */
  gauge(name: string, help: string, read: Read, labels: Labels = {}): void {
    this.#asked('gauge', name, help, read, labels);
  }

  /** One that only grows and is counted elsewhere. */
  total(name: string, help: string, read: Read): void {
    this.#asked('counter', name, help, read, {});
  }

  /** Everything, as it is now. */
  async text(): Promise<string> {
    let text = '';
    for (const { name, type, help, samples } of this.#metrics) {
      text += `# HELP ${name} ${help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}\n# TYPE ${name} ${type}\n`;
      for (const [labels, value] of await samples()) text += `${name}${labels} ${value}\n`;
    }
    return text;
  }

  #asked(type: 'counter' | 'gauge', name: string, help: string, read: Read, labels: Labels): void {
    const samples = async () => {
      const value = await read();
      return value === undefined ? [] : [[written(labels), value] as const];
    };
    this.#metrics.push({ name, type, help, samples });
  }
}

/** `{code="TOO_LARGE"}`; nothing without labels. */
function written(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escaped(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}
