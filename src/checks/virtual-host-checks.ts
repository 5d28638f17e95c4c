import { quoteCommand } from "../machine/shell.ts";
import type { Manifest, ManifestVirtualHost } from "../nix/index.ts";
import { declaredBy, failed, passed, type Check, type Judgement } from "./check.ts";

/** By request: the status, or why there is none. */
export type HostResponses = ReadonlyMap<
  string,
  { readonly status: number; readonly reason: string }
>;

interface Request {
  readonly scheme: "http" | "https";
  readonly address: string;
  readonly port: number;
  readonly host: string;
}

function requestsTo({ serverName, listens }: ManifestVirtualHost): Request[] {
  const direct = listens.filter(({ behindProxy }) => !behindProxy);
  return direct.map(({ addr, port, ssl }) => ({
    scheme: ssl ? "https" : "http",
    address: reachable(addr),
    port,
    host: requestable(serverName),
  }));
}

/** The guest's own address for a listener on every address. */
function reachable(address: string): string {
  const bare = address.replace(/^\[(.*)\]$/, "$1");
  if (/^(?:|\*|0\.0\.0\.0)$/.test(bare)) return "127.0.0.1";
  return /^(?:::|::0|0:0:0:0:0:0:0:0)$/.test(bare) ? "::1" : bare;
}

/** A name that the host's pattern matches, as far as that can be told. */
function requestable(serverName: string): string {
  if (/^[*.]/.test(serverName)) return serverName.replace(/^\*?\./, "any.");
  return /^[A-Za-z0-9.-]+$/.test(serverName) ? serverName : "localhost";
}

function label({ scheme, host, port, address }: Request): string {
  const bracketed = address.includes(":") ? `[${address}]` : address;
  return `${scheme}://${host}:${port}/ at ${bracketed}`;
}

const atOnce = 4;
const requestTimeoutMs = 20_000;

/** How long the answers may take when every host keeps its own to itself. */
export function responsesTimeoutMs({ virtualHosts }: Manifest): number {
  return Math.ceil(virtualHosts.flatMap(requestsTo).length / atOnce) * requestTimeoutMs;
}

/** One line a request: `200`, or curl's reason and `000`. Without curl bash asks, which knows no TLS. */
export function responsesQuestion({ virtualHosts }: Manifest): string {
  const requests = virtualHosts.flatMap(requestsTo);
  if (requests.length === 0) return "true";
  const words = requests.flatMap((request) => [
    label(request),
    request.scheme,
    request.host,
    request.port,
    request.address,
  ]);
  return `request() {
  if command -v curl >/dev/null; then
    local address=$5
    case $address in *:*) address="[$address]" ;; esac
    curl --silent --show-error --insecure --output /dev/null --max-time ${requestTimeoutMs / 1000} --noproxy '*' \\
      --write-out ' %{http_code}' --resolve "$3:$4:$address" "$2://$3:$4/" 2>&1
  elif [ "$2" = http ]; then
    local line
    { exec 3<>"/dev/tcp/$5/$4"; } 2>/dev/null || { printf 'cannot connect 000'; return; }
    printf 'GET / HTTP/1.0\\r\\nHost: %s\\r\\n\\r\\n' "$3" >&3
    IFS= read -r -t ${requestTimeoutMs / 1000} line <&3 || true
    exec 3>&-
    [[ $line =~ ^HTTP/[0-9.]+\\ ([0-9]{3}) ]] && printf '%s' "\${BASH_REMATCH[1]}" || printf 'empty reply 000'
  else
    printf 'the guest has no curl untested'
  fi
}
set -- ${quoteCommand(words)}
while [ $# -gt 0 ]; do
  for ((i = 0; i < ${atOnce} && $# > 0; i++)); do
    { reply=$(request "$@") || true; printf '%s\\t%s\\n' "\${reply//$'\\n'/ }" "$1"; } &
    shift 5
  done
  wait
done`;
}

export function parseResponses(text: string): HostResponses {
  return new Map(
    [...text.matchAll(/^(.*?) ?(\d{3}|untested)\t(.+)$/gm)].map(
      ([, reason = "", status = "000", name = ""]) => [
        name,
        {
          status: Number(status), // NaN where it could not be asked
          reason: reason.trim().replace(/^curl: \(\d+\) /, ""),
        },
      ],
    ),
  );
}

export function virtualHostChecks({ virtualHosts }: Manifest): Check[] {
  return virtualHosts.flatMap((host) =>
    requestsTo(host).map((request): Check => ({
      name: "virtual-host",
      subject: `${request.scheme}://${host.serverName}${isUsual(request) ? "" : `:${request.port}`}`,
      ...declaredBy(host),
      judge: ({ facts }) => judgeHost(facts.responses.get(label(request))),
    })),
  );
}

function isUsual({ scheme, port }: Request): boolean {
  return port === (scheme === "https" ? 443 : 80);
}

/** What a page says is for tests; that a server or what it passes requests to is broken, is not. */
function judgeHost(response: { status: number; reason: string } | undefined): Judgement {
  if (response === undefined) return failed("was not asked");
  const { status, reason } = response;
  if (Number.isNaN(status)) return { status: "skipped", detail: `was not asked: ${reason}` };
  // nginx says nothing where it is told to: `return 444`, as many give it to those that ask for no host of theirs.
  if (status === 0 && /empty reply/i.test(reason))
    return { status: "warning", detail: `closes the connection without an answer (${reason})` };
  if (status === 0) return failed(`does not answer (${reason || "no reply"})`);
  return status >= 500 ? failed(`answers ${status}`) : passed(`answers ${status}`);
}
