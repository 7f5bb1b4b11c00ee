import { beforeAll } from 'vitest';
import { hotDeflaters } from '../../src/deflate/deflater.ts';
import { hotInflaters } from '../../src/deflate/inflater.ts';

// All that the others hold, also where no zlib stream lives on from message to message.
beforeAll(() => {
  hotDeflaters.resize(0);
  hotInflaters.resize(0);
});

await import('./deflater.test.ts');
await import('./inflater.test.ts');
await import('./window.test.ts');
