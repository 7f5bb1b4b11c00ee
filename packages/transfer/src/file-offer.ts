import { type NewFile, onConflictWishes } from './packets.ts';
import type { FileOffer } from './ports.ts';
import { safeFolder, safeName } from './safe-name.ts';

/** The offer as its receiver sees it. Throws TransferError BAD_NAME. */
export function fileOffer({
  id,
  name,
  folder,
  size,
  modified,
  executable,
  resumeKey,
  onConflict,
  request,
  digest,
}: NewFile): FileOffer {
  const wish = onConflictWishes.find((known) => known === onConflict);
  return {
    id,
    name: safeName(name),
    folder: safeFolder(folder ?? []),
    ...(size === undefined ? {} : { size }),
    ...(modified === undefined ? {} : { modified }),
    ...(executable === undefined ? {} : { executable }),
    ...(resumeKey === undefined ? {} : { resumeKey }),
    ...(wish === undefined ? {} : { onConflict: wish }),
    ...(request === undefined ? {} : { request }),
    ...(digest === undefined ? {} : { digest }),
  };
}
