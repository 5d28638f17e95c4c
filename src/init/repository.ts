import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { UsageError } from "../errors.ts";

/** One file of the repository, and what became of it. */
export interface InitFile {
  readonly path: string;
  readonly action: "written" | "amended" | "kept";
  /** Why it was kept, or what was added. */
  readonly detail?: string;
}

/** A user's repository to which files are added, and none is replaced. */
export interface Repository {
  readonly files: readonly InitFile[];
  /** What the user should know. */
  readonly remarks: readonly string[];
  has(path: string): boolean;
  read(path: string): Promise<string | undefined>;
  /** Writes a file that is not there. @throws {UsageError} where it cannot be written */
  add(path: string, text: string): Promise<void>;
  /** Writes a file anew that has all that it had. @throws {UsageError} where it cannot be written */
  amend(path: string, text: string, detail: string): Promise<void>;
  keep(path: string, detail?: string): void;
  remark(text: string): void;
}

export function openRepository(directory: string): Repository {
  const files: InitFile[] = [];
  const remarks: string[] = [];
  const inside = (path: string): string => join(directory, path);
  const keep: Repository["keep"] = (path, detail) =>
    void files.push({ path, action: "kept", ...(detail === undefined ? {} : { detail }) });
  return {
    files,
    remarks,
    has: (path) => existsSync(inside(path)),
    read: async (path) => (existsSync(inside(path)) ? readFile(inside(path), "utf8") : undefined),
    async add(path, text) {
      try {
        await mkdir(dirname(inside(path)), { recursive: true });
        await writeFile(inside(path), text, { flag: "wx" });
        files.push({ path, action: "written" });
      } catch (error) {
        if (!isThere(error)) throw cannotWrite(path, error);
        keep(path, "was there");
      }
    },
    async amend(path, text, detail) {
      await writeFile(inside(path), text).catch((error: unknown) => {
        throw cannotWrite(path, error);
      });
      files.push({ path, action: "amended", detail });
    },
    keep,
    remark: (text) => void remarks.push(text),
  };
}

function isThere(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EEXIST";
}

function cannotWrite(path: string, error: unknown): UsageError {
  const why = error instanceof Error ? error.message : String(error);
  return new UsageError(`${path} cannot be written: ${why}`, {
    cause: error,
    hint: "What was written stays; run init again once there is room or permission.",
  });
}
