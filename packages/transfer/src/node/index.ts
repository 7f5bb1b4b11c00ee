/** Paths, directories and hashing beside them, for Node: `@wsferry/transfer/node`. */
export { type DirectoryReceiver, type DirectoryReceiverOptions, directoryReceiver } from './directory-receiver.ts';
export { type DirectoryPage, type DirectoryShelf, directoryShelf } from './directory-shelf.ts';
export { cleanPartials, type Leftover, listLeftovers } from './leftovers.ts';
export type { OwnerState } from './owner.ts';
export { pathSource } from './path-source.ts';
export { type StreamReceiver, type StreamReceiverOptions, streamReceiver } from './stream-receiver.ts';
export { type StreamSource, type StreamSourceOptions, streamSource } from './stream-source.ts';
export { type TreeEntry, type WalkOptions, walkTree } from './walk-tree.ts';
