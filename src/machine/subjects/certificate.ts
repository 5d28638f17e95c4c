import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { connect } from "node:tls";
import { clearTimeout, setTimeout } from "../../clock.ts";
import { formatMs } from "../../deadline.ts";
import { enumerate } from "../compare.ts";
import type { Expectation } from "../observe.ts";
import type { CommandRunner } from "../runner.ts";
import type { Forward } from "./http-from-host.ts";
import { Subject } from "./subject.ts";

/** A server of the guest that shows its certificate, reached through a forwarded port. */
export interface TlsServer {
  readonly port: number;
  /** The name that it is asked for. @default "localhost" */
  readonly serverName?: string;
}

/** What `toBeValid` compares. */
export interface ExpectedCertificate {
  /** It must stay valid for so many days from now. @default 0 */
  readonly forDays?: number;
  /** Host names and addresses that it must be made out to. */
  readonly names?: readonly string[];
}

export interface CertificateEntry {
  readonly subject: string;
  readonly issuer: string;
  readonly validFrom: Date;
  readonly validTo: Date;
  readonly names: readonly string[];
  readonly selfSigned: boolean;
}

const dayMs = 86_400_000;
const handshakeMs = 20_000;

/** A certificate of the guest: the first of a PEM file, or what a server shows. */
export class Certificate extends Subject {
  readonly kind = "certificate";
  readonly source: string | TlsServer;
  readonly #forward: Forward | undefined;

  constructor(runner: CommandRunner & { readonly forward?: Forward }, source: string | TlsServer) {
    super(runner);
    this.source = source;
    this.#forward = runner.forward?.bind(runner);
  }

  /** `undefined` where there is none. */
  async entry(): Promise<CertificateEntry | undefined> {
    const { certificate } = await this.#look();
    return certificate === undefined ? undefined : entryOf(certificate);
  }

  /** @internal */
  valid({ forDays = 0, names = [] }: ExpectedCertificate = {}): Expectation {
    const wanted = [
      "to be valid",
      ...(forDays > 0 ? [`for ${forDays} days`] : []),
      ...(names.length > 0 ? [`for ${names.join(", ")}`] : []),
    ];
    return this.expecting(wanted.join(" "), async ({ remainingMs }) => {
      const limitMs = Math.min(handshakeMs, remainingMs);
      const { certificate, absence, now } = await this.#look(limitMs);
      if (certificate === undefined) return { holds: false, saw: absence };
      const entry = entryOf(certificate);
      const faults = [
        ...datesAt(entry, now, forDays),
        ...names
          .filter((name) => !isFor(certificate, name))
          .map((name) => `is not made out to ${name}, only to ${enumerate(entry.names)}`),
      ];
      const saw = faults.join("; ") || `is valid until ${day(entry.validTo)}`;
      return { holds: faults.length === 0, saw };
    });
  }

  async #look(limitMs = handshakeMs): Promise<{
    readonly certificate?: X509Certificate;
    readonly absence: string;
    readonly now: number;
  }> {
    const path = typeof this.source === "string" ? this.source : "";
    const text = await this.read('date +%s; [ ! -r "$1" ] || cat -- "$1"', [path]);
    const now = Number.parseInt(text, 10) * 1000;
    if (typeof this.source === "string") {
      const pem = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^]*?-----END /.exec(text);
      if (pem === null) {
        const absence = text.includes("\n", text.indexOf("\n") + 1)
          ? "holds no certificate"
          : "does not exist";
        return { absence, now };
      }
      return parse(`${pem[0]}CERTIFICATE-----\n`, now);
    }
    try {
      return parse(await this.#shown(this.source, limitMs), now);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const { reason = error.message }: Error & { readonly reason?: string } = error;
      return { absence: `no server shows one (${tlsFaults[reason] ?? reason})`, now };
    }
  }

  async #shown(
    { port, serverName = "localhost" }: TlsServer,
    limitMs: number,
  ): Promise<Uint8Array> {
    if (this.#forward === undefined) throw new Error("no port of the guest can be forwarded");
    const hostPort = await this.#forward(port);
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: "127.0.0.1",
        port: hostPort,
        ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
        rejectUnauthorized: false,
      });
      // Of all of it: a firewall that drops packets leaves nothing that could be idle.
      const late = new Error(`no handshake within ${formatMs(limitMs)}, as behind a firewall`);
      const timer = setTimeout(() => socket.destroy(late), limitMs);
      socket.once("close", () => clearTimeout(timer));
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("the connection was closed")));
      socket.once("secureConnect", () => {
        resolve(socket.getPeerCertificate().raw);
        socket.destroy();
      });
    });
  }

  toString(): string {
    const { source } = this;
    const where = typeof source === "string" ? source : `at port ${source.port}`;
    return `certificate ${where} of ${this.runner.name}`;
  }
}

/** What OpenSSL calls it, and what it means. */
const tlsFaults: Readonly<Record<string, string>> = {
  "wrong version number": "what listens there does not speak TLS",
};

function parse(
  data: string | Uint8Array,
  now: number,
): { readonly certificate?: X509Certificate; readonly absence: string; readonly now: number } {
  try {
    return { certificate: new X509Certificate(data), absence: "", now };
  } catch {
    return { absence: "cannot be read as a certificate", now };
  }
}

function entryOf(certificate: X509Certificate): CertificateEntry {
  const { subject, issuer, validFrom, validTo, subjectAltName = "" } = certificate;
  return {
    subject: subject.replaceAll("\n", ", "),
    issuer: issuer.replaceAll("\n", ", "),
    validFrom: new Date(validFrom),
    validTo: new Date(validTo),
    names: subjectAltName
      .split(", ")
      .flatMap((name) => name.replace(/^(?:DNS|IP Address):/, "") || []),
    selfSigned: subject === issuer,
  };
}

function datesAt({ validFrom, validTo }: CertificateEntry, now: number, forDays: number): string[] {
  if (now < validFrom.getTime()) return [`is not valid before ${day(validFrom)}`];
  if (now > validTo.getTime()) return [`expired on ${day(validTo)}`];
  const left = (validTo.getTime() - now) / dayMs;
  return left < forDays ? [`expires on ${day(validTo)}, in ${Math.floor(left)} days`] : [];
}

function isFor(certificate: X509Certificate, name: string): boolean {
  return (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
