/** From where to where something is copied. */
export interface Transfer {
  readonly source: string;
  readonly target: string;
}

export interface TransferProgress {
  /** Content that was passed on so far. */
  readonly bytes: number;
  /** All of it, as it was measured at the start. */
  readonly totalBytes: number;
  /** What is being copied; below the source, where that is a tree. */
  readonly path: string;
}

export interface TransferOptions {
  readonly onProgress?: (progress: TransferProgress) => void;
  /** @default 900000 */
  readonly timeoutMs?: number;
}

export interface UploadOptions extends TransferOptions {
  /** The content of each file is shown nowhere, as that of `secret(value)`. @default false */
  readonly secret?: boolean;
}

/** Counts what was passed on. */
export function progressOf(
  totalBytes: number,
  { onProgress }: TransferOptions,
): (path: string, moreBytes: number) => void {
  let bytes = 0;
  return (path, moreBytes) => {
    bytes += moreBytes;
    onProgress?.({ bytes, totalBytes, path });
  };
}
