export type { RetryOptions } from './backoff.ts';
export { Courier, type CourierOptions } from './courier.ts';
export type { LineEvent, ProbeOptions } from './line.ts';
