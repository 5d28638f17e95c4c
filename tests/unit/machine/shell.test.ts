import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { commandText, quoteCommand, type ShellArgument } from "../../../src/machine/shell.ts";

const template = (strings: TemplateStringsArray, ...values: ShellArgument[]): string =>
  commandText(strings, values);

const words = (text: string): string[] =>
  execFileSync("bash", ["-c", `printf '%s\\0' ${text}`], { encoding: "utf8" })
    .split("\0")
    .slice(0, -1);

const awkward = [
  "",
  " ",
  "it's",
  '"',
  "$HOME",
  "`id`",
  "a\nb",
  "\\",
  "*",
  "~",
  "-n",
  "é",
  "!x",
  "a=b",
  "#",
  "{a,b}",
];

test("bash reads back every quoted word as it was", () => {
  expect(words(quoteCommand(awkward))).toEqual(awkward);
});

test("an interpolation is one argument, an array as many as it has", () => {
  expect(words(template`x${"a b"}y ${awkward} ${7}`)).toEqual(["xa by", ...awkward, "7"]);
});

test("the template's own text is the shell's", () => {
  expect(template`echo $HOME | tr a b > ${"my file"}`).toBe("echo $HOME | tr a b > 'my file'");
  expect(template`sed 's/\(a\)\n/\1/' \`id\` \${HOME}`).toBe(
    "sed 's/\\(a\\)\\n/\\1/' `id` ${HOME}",
  );
});
