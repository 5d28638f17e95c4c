import { X509Certificate } from "node:crypto";
import { quoteCommand } from "../machine/shell.ts";
import type { Manifest, ManifestCertificate } from "../nix/index.ts";
import { declaredBy, failed, passed, type Check, type Judgement } from "./check.ts";
import type { Facts } from "./facts.ts";

/** PEM text by path; what is not there is missing. */
export type CertificateFiles = ReadonlyMap<string, string>;

export function certificatesQuestion({ certificates }: Manifest): string {
  const paths = [...new Set(certificates.map(({ path }) => path))];
  if (paths.length === 0) return "true";
  return `for path in ${quoteCommand(paths)}; do
  if [ -f "$path" ]; then printf '\\0%s\\n' "$path"; head -c 65536 -- "$path"; fi
done`;
}

export function parseCertificates(text: string): Map<string, string> {
  return new Map(
    text
      .split("\0")
      .slice(1)
      .map((file) => {
        const end = file.indexOf("\n");
        return [file.slice(0, end), file.slice(end + 1)];
      }),
  );
}

export function certificateChecks({ certificates }: Manifest): Check[] {
  return certificates.map((certificate) => ({
    name: "certificate",
    subject: certificate.path,
    ...declaredBy(certificate),
    judge: ({ facts }) => judgeCertificate(certificate, facts),
  }));
}

const dayMs = 24 * 60 * 60 * 1000;
/** A certificate that is renewed by hand should have been by then. */
const soonMs = 14 * dayMs;

function judgeCertificate(
  { path, names, isAcme }: ManifestCertificate,
  { certificates, nowMs }: Facts,
): Judgement {
  const text = certificates.get(path);
  if (text === undefined) return failed("is not there");
  const certificate = parse(text);
  if (certificate === undefined) return failed("is no certificate");
  const [fromMs, toMs] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  if (toMs < nowMs) return failed(`expired on ${day(toMs)}`);
  if (fromMs > nowMs) return failed(`is valid only from ${day(fromMs)} on`);
  const strange = names
    .filter((name) => /^[A-Za-z0-9*-][A-Za-z0-9.-]*$/.test(name))
    .filter((name) => certificate.checkHost(name.replace(/^\*/, "any")) === undefined);
  const until = `until ${day(toMs)}`;
  // No authority answers in a vm: what is shown there stands in for the real one.
  if (isAcme) return passed(`is valid ${until}; the vm's own, in place of the authority's`);
  if (strange.length > 0) return failed(`is not for ${strange.join(", ")}`);
  if (toMs - nowMs < soonMs) return { status: "warning", detail: `is valid ${until} alone` };
  return passed(`is valid ${until}`);
}

function parse(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(text);
  } catch {
    return undefined;
  }
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
