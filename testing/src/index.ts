export { FakeClock } from './fake-clock.ts';
export { missing } from './missing.ts';
export { type Nginx, type NginxOptions, startNginx } from './nginx.ts';
export { runReadmeExample } from './readme-example.ts';
export { selfSignedCertificate } from './self-signed-certificate.ts';
export { smallDisk } from './small-disk.ts';
export { byteByByte, everySplit, randomSplits } from './splits.ts';
export { temporaryDirectory } from './temporary-directory.ts';
