import { readFile } from 'node:fs/promises';
import type { Results } from '../run.ts';
export async function writeDocsFrom(path: string): Promise<void> {
  await writeDocs(JSON.parse(await readFile(path, 'utf8')) as Results);
}
export async function writeDocs(_results: Results): Promise<void> {}
