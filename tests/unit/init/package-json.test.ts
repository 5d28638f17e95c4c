import { expect, test } from "vitest";
import { completePackage } from "../../../src/init/package-json.ts";

const wanted = { name: "infra", versions: { dryboot: "^1.0.0", vitest: "^4.1.0" } };

test("without a package.json a whole one is written, of ES modules", () => {
  const { text, testScript } = completePackage(undefined, wanted);
  expect(JSON.parse(text)).toEqual({
    name: "infra",
    private: true,
    type: "module",
    scripts: { test: "vitest run", smoke: "dryboot smoke" },
    devDependencies: { dryboot: "^1.0.0", vitest: "^4.1.0" },
  });
  expect(testScript).toBe("test");
});

test("nothing of an existing package.json is replaced, and its indentation stays", () => {
  const existing = '{\n\t"name": "mine",\n\t"dependencies": { "vitest": "4.0.0" }\n}\n';
  const { text, added, isModule } = completePackage(existing, wanted);
  expect(JSON.parse(text)).toMatchObject({ name: "mine", dependencies: { vitest: "4.0.0" } });
  expect(text).toContain('\n\t"name": "mine"');
  expect(added).toEqual(["scripts.test", "scripts.smoke", "devDependencies.dryboot"]);
  expect(isModule).toBe(false);
});

test("a complete package.json stays byte for byte", () => {
  const { text } = completePackage(undefined, wanted);
  const odd = text.replace('"private": true', '"private":true');
  expect(completePackage(odd, wanted)).toMatchObject({ text: odd, added: [] });
});

test("a test script of somebody else's stays, and the machines get one of their own", () => {
  const existing = JSON.stringify({ scripts: { test: "jest" } });
  const { text, testScript } = completePackage(existing, wanted);
  expect(JSON.parse(text)).toMatchObject({
    scripts: { test: "jest", "test:machines": "vitest run" },
  });
  expect(testScript).toBe("test:machines");
});

test("npm's placeholder is no test script", () => {
  const placeholder = 'echo "Error: no test specified" && exit 1';
  const { text } = completePackage(JSON.stringify({ scripts: { test: placeholder } }), wanted);
  expect(JSON.parse(text)).toMatchObject({ scripts: { test: "vitest run" } });
});

test.for(["{", "[]", "null"])("%s is refused as a package.json", (text) => {
  expect(() => completePackage(text, wanted)).toThrow(/^package\.json /);
});
