export type { RetryOptions } from './backoff.ts';
export { Courier, type CourierOptions } from './courier.ts';
export type { CourierClock, LineEvent, ProbeOptions } from './line.ts';
