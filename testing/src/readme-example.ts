import { spawn } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Runs a ```ts block (the first, unless `index` counts on from 0) of the README one folder above the test file, as its
 * reader would: a program of its own that imports the package by its public name. Gives what it printed; rejects when it
 * fails.
 */
export async function runReadmeExample(testFileUrl: string, index = 0): Promise<string> {
  const packageFolder = fileURLToPath(new URL('..', testFileUrl));
  const readme = await readFile(join(packageFolder, 'README.md'), 'utf8');
  const example = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)][index]?.[1];
  if (!example) throw new Error(`expected \`\`\`ts block ${index} in ${packageFolder}README.md, found none`);
  // Inside the package, so that its own name resolves as it does for anybody who installed it.
  const script = join(packageFolder, `.readme-example-${process.pid}-${index}.ts`);
  await writeFile(script, example);
  try {
    return await run(script, packageFolder);
  } finally {
    await rm(script, { force: true });
  }
}

function run(script: string, cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--conditions=@wsferry/source', '--import', 'tsx', script], { cwd });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (errors += chunk));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`the README example ended with ${code}\n${errors}`)),
    );
  });
}
