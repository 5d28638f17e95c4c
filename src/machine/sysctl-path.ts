/** A kernel parameter's path below /proc/sys. As sysctl(8) reads a name: the separator that comes first is the one that counts. */
export function sysctlPath(name: string): string {
  const dots = /^[^/.]*\./.test(name);
  return dots ? name.replace(/[/.]/g, (mark) => (mark === "." ? "/" : ".")) : name;
}
