import { BUDGETS } from './budgets.ts';
import { CountedServer } from './measure.ts';

/** Prints what each thing costs beside what it may cost; ends with 1 when one costs more. */
export async function printCosts(): Promise<void> {
  const server = new CountedServer('echo');
  try {
    for (const { title, most, count } of BUDGETS) {
      const cost = await count(server);
      console.log(title);
      for (const [what, limit] of Object.entries(most)) {
        const spent = cost[what as keyof typeof cost] ?? Number.NaN;
        const over = !(spent <= limit);
        if (over) process.exitCode = 1;
        console.log(`  ${what.padEnd(13)} ${shown(spent).padStart(8)}  of ${shown(limit)}${over ? '  TOO MUCH' : ''}`);
      }
    }
  } finally {
    await server.stop();
  }
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(3);
}
