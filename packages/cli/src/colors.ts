import picocolors from 'picocolors';

const colored = picocolors.createColors(true);
const plain = picocolors.createColors(false);

/** Made once: a set is forty functions, and there is an event for each of many files. */
export const colors = (color: boolean) => (color ? colored : plain);
