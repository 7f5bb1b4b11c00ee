import { readFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

export const VERSION = version;

/** As both ends tell each other. */
export const SOFTWARE = `wsferry/${version}`;
