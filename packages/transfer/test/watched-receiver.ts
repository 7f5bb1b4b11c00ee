import { type Accept, type FileSink, memoryReceiver } from '../src/index.ts';

/** A receiver whose sinks tell how they ended. */
export function watchedReceiver(change: (sink: FileSink) => Partial<FileSink> = () => ({})) {
  const memory = memoryReceiver();
  const ends: string[] = [];
  const accept: Accept = async (offer, control) => {
    const { sink } = await memory.accept(offer, control);
    const whole = { ...sink, ...change(sink) };
    return {
      sink: {
        ...whole,
        commit: async () => {
          const file = await whole.commit();
          ends.push('committed');
          return file;
        },
        discard: async (how) => {
          ends.push(how?.keepPartial ? 'kept' : 'removed');
        },
      },
    };
  };
  return { accept, ends, files: memory.files };
}
