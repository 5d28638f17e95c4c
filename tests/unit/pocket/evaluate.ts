import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const pocket = fileURLToPath(new URL("../../../pocket-nixpkgs", import.meta.url));

const scope = `with {
  pocket = ${pocket};
  lib = import ${pocket}/lib;
  nixos = modules: import ${pocket}/nixos/lib/eval-config.nix { system = "x86_64-linux"; inherit modules; };
};`;

/** The values of expressions over `pocket`, `lib` and `nixos`, all from one run of Nix: a run each would take minutes. */
export async function evaluate(expressions: readonly string[]): Promise<readonly unknown[]> {
  const list = expressions.map((expression) => `(${expression})`).join("\n");
  const { stdout } = await instantiate(`${scope} [ ${list} ]`);
  return JSON.parse(stdout) as unknown[];
}

/** What Nix says of such an expression when it cannot evaluate it. */
export async function failure(expression: string): Promise<string> {
  try {
    await instantiate(`${scope} ${expression}`);
  } catch (error) {
    return (error as { stderr: string }).stderr.replaceAll(/\n\s+/g, "\n");
  }
  throw new Error(`Nix could evaluate ${expression}`);
}

async function instantiate(expression: string): Promise<{ stdout: string }> {
  try {
    return await promisify(execFile)("nix-instantiate", [
      "--eval",
      "--strict",
      "--json",
      "--expr",
      expression,
    ]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      throw new Error(
        "nix-instantiate was not found: these tests need Nix (npm run setup installs it)",
        { cause: error },
      );
    }
    throw error;
  }
}
