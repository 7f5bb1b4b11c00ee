import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseExposition } from '../test/exposition.ts';
import { Metrics } from './metrics.ts';

test('counters and gauges, with and without labels, as Prometheus reads them', async () => {
  const metrics = new Metrics();
  const plain = metrics.counter('a_total', 'How many.');
  const labeled = metrics.counter('b_total', 'By code.', { labeled: true });
  let level = 3;
  metrics.gauge('c', 'Now.', () => level, { version: '1.0' });
  metrics.gauge('d', 'Not known.', async () => undefined);
  metrics.total('e_total', 'Elsewhere.', () => 1.5);
  expect(await metrics.text()).toBe(
    [
      '# HELP a_total How many.\n# TYPE a_total counter\na_total 0\n',
      '# HELP b_total By code.\n# TYPE b_total counter\n',
      '# HELP c Now.\n# TYPE c gauge\nc{version="1.0"} 3\n',
      '# HELP d Not known.\n# TYPE d gauge\n',
      '# HELP e_total Elsewhere.\n# TYPE e_total counter\ne_total 1.5\n',
    ].join(''),
  );
  plain.inc();
  plain.inc({}, 41);
  labeled.inc({ code: 'X', status: '401' });
  labeled.inc({ code: 'X', status: '401' }, 2);
  labeled.inc({ code: 'Y', status: '403' });
  level = 4;
  const page = parseExposition(await metrics.text());
  expect(page.get('a_total')?.samples).toEqual(new Map([['', 42]]));
  expect(page.get('b_total')?.samples).toEqual(
    new Map([
      ['{code="X",status="401"}', 3],
      ['{code="Y",status="403"}', 1],
    ]),
  );
  expect(page.get('c')?.samples).toEqual(new Map([['{version="1.0"}', 4]]));
});

test('whatever a label or a help says, the page can be read', async () => {
  const text = fc.string({ unit: 'binary', minLength: 1 });
  await fc.assert(
    fc.asyncProperty(text, text, async (help, value) => {
      const metrics = new Metrics();
      metrics.gauge('a', `x${help}`, () => 1, { l: value });
      const [[labels = ''] = []] = parseExposition(await metrics.text()).get('a')!.samples;
      expect(labels.slice(4, -2).replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))).toBe(value);
    }),
  );
});

describe('the reader of the tests refuses', () => {
  const good = '# HELP a_total x\n# TYPE a_total counter\na_total 1\n';
  test('nothing that is right', () => {
    expect(parseExposition(good).get('a_total')).toEqual({ type: 'counter', help: 'x', samples: new Map([['', 1]]) });
  });
  test.each([
    good.slice(0, -1),
    'a_total 1\n',
    good + good,
    `${good}a_total 1\n`,
    good.replace('a_total 1', 'a_total{b="c} 1'),
    good.replace('a_total 1', 'a_total{b="\\x"} 1'),
    good.replace('a_total 1', 'a_total -1'),
    good.replace('a_total 1', 'a_total one'),
    good.replaceAll('a_total', 'a'),
    good.replace('counter', 'gauge'),
    good.replace('counter', 'number'),
    good.replace('# TYPE a_total counter\n', ''),
    '# HELP a_total x\n',
    `${good}\n`,
  ])('%j', (page) => {
    expect(() => parseExposition(page)).toThrow();
  });
});
