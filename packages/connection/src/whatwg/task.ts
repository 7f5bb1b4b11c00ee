import { setImmediate } from 'node:timers';

/**
 * Queues a task (https://html.spec.whatwg.org/#queue-a-task): `run`, or whoever awaits it, comes after the tasks queued
 * before and their microtasks.
 */
export function newTask(run?: () => void): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => {
      run?.();
      resolve();
    });
  });
}
