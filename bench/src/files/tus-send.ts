/** tus-js-client as its readme has it for Node: a file stream, one request. Arguments: URL, path. */
import { createReadStream, statSync } from 'node:fs';
import { Upload } from 'tus-js-client';

const [url, path] = process.argv.slice(2);
const upload = new Upload(createReadStream(path!, { highWaterMark: 256 * 1024 }), {
  endpoint: url!,
  uploadSize: statSync(path!).size,
  onError: (error) => {
    console.error(error.message);
    process.exit(1);
  },
  onSuccess: () => process.exit(0),
});
upload.start();
