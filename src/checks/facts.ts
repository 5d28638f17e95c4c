import type { CommandRunner } from "../machine/runner.ts";
import { parseMounts } from "../machine/subjects/mount.ts";
import type { Manifest } from "../nix/index.ts";
import { accountsQuestions, parseAccounts, type Accounts } from "./accounts.ts";
import {
  certificatesQuestion,
  parseCertificates,
  type CertificateFiles,
} from "./certificate-checks.ts";
import type { CheckName } from "./check.ts";
import { etcQuestion, parseEtc, type EtcState } from "./etc-checks.ts";
import { journalQuestion, parseJournal, type JournalEntry } from "./journal.ts";
import { kernelQuestions, parseKernel, type KernelState } from "./kernel-checks.ts";
import { ownersQuestion, parseOwners, type PortOwners } from "./port-owners.ts";
import { ask, type Questions } from "./sections.ts";
import { parseUnixSockets, unixSocketsQuestion } from "./socket-checks.ts";
import { parseTimers, timersQuestion, type TimerState } from "./timer-checks.ts";
import {
  parseResponses,
  responsesQuestion,
  responsesTimeoutMs,
  type HostResponses,
} from "./virtual-host-checks.ts";

/** What is true of a guest once it has booted, out of one command. */
export interface Facts {
  /** The guest's clock, in milliseconds since 1970. */
  readonly nowMs: number;
  readonly accounts: Accounts;
  /** In the order in which they were made. */
  readonly mounts: ReturnType<typeof parseMounts>;
  readonly kernel: KernelState;
  readonly etc: ReadonlyMap<string, EtcState>;
  readonly unixSockets: ReadonlySet<string>;
  readonly timers: ReadonlyMap<string, TimerState>;
  readonly owners: PortOwners;
  readonly responses: HostResponses;
  readonly certificates: CertificateFiles;
  readonly journal: readonly JournalEntry[];
}

export interface FactsOptions {
  readonly manifest: Manifest;
  /** What is not checked is not asked. */
  readonly wants: (name: CheckName) => boolean;
}

const factsTimeoutMs = 120_000;

export async function takeFacts(guest: CommandRunner, options: FactsOptions): Promise<Facts> {
  const section = await ask(guest, factsQuestions(options), {
    purpose: "look at what is there for each check",
    timeoutMs: factsTimeoutMs * guest.timeoutScale + responsesTimeoutMs(options.manifest),
  });
  return parseFacts(section);
}

function factsQuestions({ manifest, wants }: FactsOptions): Questions {
  return {
    now: "date +%s",
    ...accountsQuestions(manifest),
    mounts: "cat /proc/self/mountinfo",
    ...kernelQuestions(manifest),
    etc: wants("etc-file") ? etcQuestion(manifest) : "true",
    unixSockets: unixSocketsQuestion,
    timers: timersQuestion(manifest),
    owners: ownersQuestion,
    responses: wants("virtual-host") ? responsesQuestion(manifest) : "true",
    certificates: certificatesQuestion(manifest),
    // Last, so that what the questions above stirred up is in it.
    journal: journalQuestion,
  };
}

export function parseFacts(section: (name: string) => string): Facts {
  return {
    nowMs: Number(section("now")) * 1000,
    accounts: parseAccounts(section),
    mounts: parseMounts(section("mounts")),
    kernel: parseKernel(section),
    etc: parseEtc(section("etc")),
    unixSockets: parseUnixSockets(section("unixSockets")),
    timers: parseTimers(section("timers")),
    owners: parseOwners(section("owners")),
    responses: parseResponses(section("responses")),
    certificates: parseCertificates(section("certificates")),
    journal: parseJournal(section("journal")),
  };
}
