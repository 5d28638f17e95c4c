import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { exportsOf, type Declaration } from "./declarations.ts";
import { renderPage, type Section } from "./render-page.ts";

const path = (of: string): string => fileURLToPath(new URL(`../../../${of}`, import.meta.url));

/** Which part of the sources is described where, in the order of the page. */
const titles: readonly (readonly [prefix: string, title: string])[] = [
  ["src/machine/machine.ts", "Machine"],
  ["src/vitest/", "Fixtures"],
  ["src/machine/network.ts", "Networks"],
  ["src/qemu/switch/", "Networks"],
  ["src/machine/subjects/", "Subjects"],
  ["src/machine/", "Commands, console, evidence"],
  ["src/guest/", "Commands, console, evidence"],
  ["src/console/", "Commands, console, evidence"],
  ["src/launch/launch.ts", "Building and booting"],
  ["src/nix/", "Building and booting"],
  ["src/qemu/", "Building and booting"],
  ["src/checks/", "Checks"],
  ["src/", "Errors and deadlines"],
];

function sectionsOf(declarations: readonly Declaration[]): Section[] {
  const titleOf = ({ file }: Declaration): string | undefined =>
    titles.find(([prefix]) => file.startsWith(path(prefix)))?.[1];
  return [...new Set(titles.map(([, title]) => title))]
    .map((title) => ({
      title,
      declarations: declarations.filter((declaration) => titleOf(declaration) === title),
    }))
    .filter((section) => section.declarations.length > 0);
}

// `npm run docs` writes it.
test("docs/machine.md says what the docstrings say", async () => {
  const entry = exportsOf(path("src/index.ts"));
  const fixtures = exportsOf(path("src/vitest/fixtures.ts"));
  const page = renderPage({
    title: "The API of machines",
    introduction:
      "What `dryboot` exports, and the fixtures of `dryboot/test`. This page is made from the docstrings; matchers have [their own](matchers.md).",
    sections: sectionsOf([...new Map([...fixtures, ...entry]).values()]),
  });
  await expect(page).toMatchFileSnapshot(path("docs/machine.md"));
});

test("every method of a machine says what it does", () => {
  const machine = exportsOf(path("src/index.ts")).get("Machine");
  const silent = machine?.members.filter(
    ({ name, docs }) =>
      docs === "" && !machine.members.some((other) => other.name === name && other.docs !== ""),
  );
  expect(silent?.map(({ name }) => name)).toEqual([]);
});
