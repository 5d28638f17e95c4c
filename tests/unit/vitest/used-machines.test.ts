import { expect, test } from "vitest";
import { machinesUsedIn } from "../../../src/vitest/used-machines.ts";

test("machines are seen where they are named in the call that asks for them, each once", () => {
  const source = `
    const web = await machines.start("web");
    const [db, again] = await Promise.all([
      machines.shared('db', { memoryMiB: 2048 }),
      machines
        .start(\`web\`),
    ]);
    await machines.shared(".#cache");
    await server.start("not a machine");
    await machines.start(name);
    await machines.start(\`\${prefix}-web\`);
    await machines.start("\${name}");
  `;
  expect(machinesUsedIn(source)).toEqual(["web", "db", ".#cache"]);
});
