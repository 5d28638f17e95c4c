#!/usr/bin/env node
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major > 20 || (major === 20 && minor >= 19)) {
  await import("../dist/cli/main.js");
} else {
  process.stderr.write(
    `error: dryboot needs Node 20.19 or newer, and this is ${process.versions.node}\n` +
      "next: https://nodejs.org/en/download says how to get it; nix-shell -p nodejs has it too\n",
  );
  process.exitCode = 5;
}
