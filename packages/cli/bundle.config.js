import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
/** The side threads' programs, which lie beside whoever starts them. */
const THREADS = ['hash-worker', 'small-files-worker'].map((name) => here(`../transfer/src/node/${name}.js`));

/** Puts the program and what it consists of into `folder`, beside other entries; gives the files that went into it. */
export async function bundle(/** @type {string} */ folder, /** @type {string[]} */ ...others) {
  const { metafile } = await build({
    entryPoints: [here('src/main.ts'), ...THREADS, ...others],
    outdir: folder,
    entryNames: '[name]',
    bundle: true,
    splitting: true,
    metafile: true,
    sourcemap: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    conditions: ['@wsferry/source'],
    // For CommonJS among them, which asks for Node's own modules.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
    logLevel: 'warning',
  });
  return Object.keys(metafile.inputs);
}
