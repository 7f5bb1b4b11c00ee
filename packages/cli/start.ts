/**
 * What `pnpm --filter cli start` runs, from source. pnpm runs scripts in the package's folder, and INIT_CWD is where the
 * user stands. The installed program never looks at INIT_CWD: there it would be a stranger's script's, run anywhere.
 */
if (process.env['INIT_CWD']) process.chdir(process.env['INIT_CWD']);
await import('./src/main.ts');

export {};
