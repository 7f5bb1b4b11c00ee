export { MessageDeflater, type MessageDeflaterOptions } from './deflater.ts';
export { MessageInflater, type MessageInflaterOptions } from './inflater.ts';
export { acceptDeflate, answerDeflate, type DeflateAnswer, offerDeflate } from './negotiate.ts';
export { DeflateNegotiationError, type DeflateNegotiationErrorCode } from './negotiation-error.ts';
export type { DeflateOptions, DeflateParameters, ExtensionElement } from './parameters.ts';
