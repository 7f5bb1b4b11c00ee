/**
 * Why a target is missed where it is, and what would be needed: what profiles (perf, --cpu-prof, strace) of our server showed.
 * Printed only beside a target that a run has missed, so that it does not outlive its truth unseen.
 */
const WHY: Readonly<Record<string, string>> = {
  'echo-64-1x256 bun':
    'a third of the time is JavaScript, about 0.17 µs a message: the header, unmasking, the view that the program gets, the copy into the answer. Another third is the kernel’s, a third Node’s, with a collector that wakes its threads for what each read allocates. Bun parses in C++ and reads into one buffer. It would need that of Node: `onread` for sockets that are accepted.',
  'echo-64-100x64 bun':
    'as above; and a read brings 64 messages instead of 256 here, so that what Node costs a read (new memory, an event, a write with its request) weighs four times as much.',
  'echo-64-100x1 ws':
    'one message a read, one a write: half of the time is the kernel’s, a third Node’s C++ around the two calls, and the same for ws; JavaScript is an eighth. It would need several sockets in one call (io_uring), which Node does not use.',
  'echo-64-100x1 bun':
    'the same two calls of the kernel, which Bun makes from its own loop; what is between us is Node’s third: an event, new memory and a write’s request for each message.',
  'echo-1k ws':
    'reads and writes of 16 KiB, most of which is the kernel’s copying and waking; ours is two copies of 1 KiB a message. It would need both runs to be as quiet as the better one, where it is met: what is left to save is a copy, by a mode in which a program only borrows its messages.',
  'echo-1k bun':
    'the same read and write as Bun’s, with Node’s stream around them: new memory of 64 KiB for each read, an event, a request for each write.',
  'echo-text-4k ws':
    'nearly half of the time is one writev of 64 KiB, and as much for ws. What is ours is a copy, a check of the UTF-8 and an object a message; ws lets a native add-on check.',
  'echo-text-4k bun':
    'nearly half of the time is one writev of 64 KiB, which Bun needs as well. What is ours is a copy, a check of the UTF-8 and an object a message. Where programs want strings Bun’s are made faster than V8’s: see the next table.',
  'echo-64k ws':
    'half of the time is the kernel’s, which copies each message twice and wakes the other side, in either server. Ours are two copies a message (out of the chunk, through the masking kernel’s memory), a tenth of the time; a mode in which a program only borrows its messages would save one.',
  'echo-64k bun':
    'as against ws: the kernel’s copies are the same for all, and what differs between runs is who waits for whom.',
  'echo-1m ws':
    'three fifths of the time is the kernel’s. A sixth is two copies of the message, out of its sixteen chunks into one and through the masking kernel’s memory; another sixth is Node’s, for sixteen reads.',
  'echo-1m bun': 'as against ws.',
  'connect ws':
    'of our CPU a sixth is ours; accepting, asking for the address, writing the answer and closing are Node’s and the kernel’s, and the bare node:net server below already takes three quarters of what we do. The target leaves 12 µs above it, and we spend 31, on the handshake, the connection and its closing handshake (decision 26 says what is left there).',
  'idle ws':
    'a socket of Node’s that nobody does anything with takes more than the target allows for all: see node:net below (decision 26). It would need sockets that are not Node’s.',
  'push ws':
    'one write a connection and message, which is three fifths of the time; a fifth is ours. It would need a frame that is encoded once for all, and several sockets in one call.',
  file: 'two runs of MD5 are half of all work, and on two cores they leave no room: decision 29 has the shares, and a floor of two md5, a bare socket and cp. With four cores the hashing threads have their own.',
  'file-sha256':
    'SHA-256 takes 0.6 s less than MD5 at either end, of 5 s in all (decision 29); the rest is not hashing.',
  'small-files':
    'a file is five packets, six calls of the file system on each side and two hand-overs between threads: about 0.5 ms of CPU at either end, spread over V8, Node and the kernel, where the calls of the file system alone, made one behind the other, take 0.1 for both. It would need offers, answers and files many at a time, in one packet and one call of the thread. The sender’s peak is above the 120 MB that one file of any size keeps to, and grows by 4 kB a file (310 MB with 40,000): a fifth of that is in use, the rest waits for V8’s collector.',
  'long-line': 'the relay, both ends and the relay’s clock share two cores; the credit is never used up.',
};

/** What is known of a miss, by workload and peer, else by workload. */
export function whyMissed(workload: string, peer: string): string | undefined {
  return WHY[`${workload} ${peer}`] ?? WHY[workload];
}
