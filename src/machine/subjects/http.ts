import type { Deadline } from "../../deadline.ts";
import { section } from "../command.ts";
import { matches } from "../compare.ts";
import type { Expectation, Observation } from "../observe.ts";
import type { CommandRunner } from "../runner.ts";
import { guestHttpClient } from "./http-from-guest.ts";
import { hostHttpClient, type Forward } from "./http-from-host.ts";
import {
  describeExpected,
  differences,
  requestPatienceMs,
  type ExpectedResponse,
  type HttpClient,
  type HttpOptions,
  type HttpResponse,
} from "./http-response.ts";
import { httpUrl } from "./named.ts";
import { Subject } from "./subject.ts";

/** So long may a request take whose matcher looks but once. */
const leastLookMs = 5_000;

/** A URL that the guest serves, or reaches, requested anew each time. */
export class Http extends Subject {
  readonly kind = "URL";
  readonly url: string;
  readonly #options: HttpOptions;
  readonly #request: HttpClient;

  constructor(
    runner: CommandRunner & { readonly forward?: Forward },
    url: string,
    options: HttpOptions = {},
  ) {
    super(runner);
    this.url = httpUrl(url);
    this.#options = options;
    this.#request =
      options.from === "host" && runner.forward !== undefined
        ? hostHttpClient(runner.forward.bind(runner))
        : guestHttpClient(runner);
  }

  /** @throws CommandFailedError where no answer comes */
  async response(): Promise<HttpResponse> {
    const reply = await this.#request(this.url, this.#options);
    if ("response" in reply) return reply.response;
    throw reply.error;
  }

  /** @internal */
  responding(expected: ExpectedResponse): Expectation {
    const { body } = expected;
    let latest: HttpResponse | undefined;
    const observe = async ({ remainingMs }: Deadline): Promise<Observation> => {
      const { timeoutMs = requestPatienceMs } = this.#options;
      const limitMs = Math.min(timeoutMs, Math.ceil(remainingMs));
      const reply = await this.#request(this.url, { ...this.#options, timeoutMs: limitMs });
      latest = "response" in reply ? reply.response : undefined;
      if (!("response" in reply)) return { holds: false, saw: reply.silence };
      const { response } = reply;
      const found = differences(response, expected);
      const saw = found.join("; ") || `responds with ${response.status}`;
      const isSame = body === undefined || matches(response.body, body);
      return { holds: found.length === 0, saw, ...(isSame ? {} : { actual: response.body }) };
    };
    return this.expecting(`to respond with ${describeExpected(expected)}`, observe, {
      leastLookMs,
      ...(typeof body === "string" ? { expected: body } : {}),
      evidence: async () => (latest === undefined ? [] : describeResponse(latest)),
    });
  }

  toString(): string {
    const { from = "guest" } = this.#options;
    return `${this.url} ${from === "host" ? "from the host of" : "in"} ${this.runner.name}`;
  }
}

function describeResponse({ headers, body }: HttpResponse): string[] {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [...section("headers", lines.join("\n")), ...section("body", body)];
}
