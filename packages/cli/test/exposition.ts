/** A metric of a page in the text format of Prometheus. */
export interface Exposed {
  readonly type: string;
  readonly help: string;
  /** By labels as they are written, `''` for none. */
  readonly samples: ReadonlyMap<string, number>;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABELS =
  /^\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*")(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*")*\}$/;
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|[+-]?Inf|NaN)$/i;

/**
 * Reads version 0.0.4 of the format, and throws for whatever a scraper might stumble over: a line end that is missing, a
 * metric without HELP and TYPE before its samples or scattered over the page, a sample twice, a wrong escape, a counter that
 * does not end in `_total` or is negative.
 */
export function parseExposition(text: string): Map<string, Exposed> {
  const fail = (line: string, why: string): never => {
    throw new Error(`${why}: ${JSON.stringify(line)}`);
  };
  if (!text.endsWith('\n')) fail(text.slice(-40), 'no line end at the end');
  const metrics = new Map<string, { type: string; help: string; samples: Map<string, number> }>();
  let current = '';
  for (const line of text.slice(0, -1).split('\n')) {
    if (line.startsWith('# HELP ')) {
      const [, name = '', help = ''] = /^# HELP (\S+) ([^\n]+)$/.exec(line) ?? fail(line, 'no help');
      if (!NAME.test(name)) fail(line, 'no name');
      if (metrics.has(name)) fail(line, 'a metric twice');
      if (/\\(?![\\n])/.test(help.replaceAll('\\\\', ''))) fail(line, 'a wrong escape');
      metrics.set(name, { type: '', help, samples: new Map() });
      current = name;
    } else if (line.startsWith('# TYPE ')) {
      const [, name = '', type = ''] = /^# TYPE (\S+) (counter|gauge)$/.exec(line) ?? fail(line, 'no type');
      const metric = metrics.get(name);
      if (name !== current || !metric || metric.type !== '') fail(line, 'a type out of place');
      else metric.type = type;
    } else {
      const [, name = '', labels = '', value = ''] =
        /^([^{ ]+)(\{[^\n]*\})? (\S+)$/.exec(line) ?? fail(line, 'no sample');
      const metric = metrics.get(name);
      if (name !== current || !metric?.type) return fail(line, 'a sample out of place');
      if (labels !== '' && !LABELS.test(labels)) fail(line, 'no labels');
      if (!VALUE.test(value)) fail(line, 'no value');
      if (metric.samples.has(labels)) fail(line, 'a sample twice');
      if ((metric.type === 'counter') !== name.endsWith('_total')) fail(line, 'a name that does not fit the type');
      if (metric.type === 'counter' && Number(value) < 0) fail(line, 'a negative count');
      metric.samples.set(labels, Number(value));
    }
  }
  for (const [name, { type }] of metrics) if (type === '') fail(name, 'a metric without a type');
  return metrics;
}
