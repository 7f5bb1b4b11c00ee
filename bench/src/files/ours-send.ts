/** Sends one file through the public API and tells how long it took, from connecting to stored, and its CPU time. Arguments: URL, path, digest. */
import { connect } from '@wsferry/connection';
import { type DigestAlgorithm, sendFile } from '@wsferry/transfer';
import { pathSource } from '@wsferry/transfer/node';

const [url, path, digest] = process.argv.slice(2);
const startedAt = performance.now();
const connection = await connect(url!, { protocols: ['wsferry.v1'] });
await sendFile(connection, await pathSource(path!), { digest: digest as DigestAlgorithm });
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ seconds: (performance.now() - startedAt) / 1000, cpuSeconds: (user + system) / 1e6 }));
await connection.close();
process.exit();
