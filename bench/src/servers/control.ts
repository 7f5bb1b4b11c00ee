/** What every server here does beside serving: say where it listens, and collect garbage when it is asked to. */
export function control(port: number, gc: () => void): void {
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (text: string) => {
    if (!text.includes('gc')) return;
    gc();
    console.log('{"collected":true}');
  });
  process.stdin.on('end', () => process.exit());
  console.log(JSON.stringify({ port }));
}

/** With `--expose-gc`. Twice: what finalizers let go is free only then. */
export function collectGarbage(): void {
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
  gc?.();
}
