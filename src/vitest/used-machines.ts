const use = /\bmachines\s*\.\s*(?:start|shared)\s*\(\s*(?:"([^"\n$]+)"|'([^'\n$]+)'|`([^`$\\]+)`)/g;

/**
 * The machines that a test file names where it asks for them: `machines.start("web")`. A name that is computed is not
 * seen; such a machine is built when the test asks for it.
 */
export function machinesUsedIn(source: string): string[] {
  const names = [...source.matchAll(use)].map(
    ([, double, single, template]) => double ?? single ?? template ?? "",
  );
  return [...new Set(names)];
}
