import { performance } from "../clock.ts";
import { withoutSecrets } from "../hidden-text.ts";

/** What dryboot is doing, for whoever shows progress. */
export interface Progress {
  /** `qemu`, `stage 1`, `stage 2`, `systemd`, `login`, `ready`; of a restored guest `restore`, and `login` where it had commands under way. */
  readonly phase: string;
  /** The last line of the console, cleaned; none from the login on, where dryboot itself is at the keyboard. */
  readonly detail?: string;
}

export interface Phase {
  readonly name: string;
  readonly durationMs: number;
}

/** Lines of the console with which a phase begins, in the order of a boot. */
const begins: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["stage 1", /<<< NixOS Stage 1 >>>|^\[ +0\.0+\] Linux version|Welcome to .*\(Initrd\)/],
  ["stage 2", /<<< NixOS Stage 2 >>>/],
  ["systemd", /^starting systemd\.\.\.|^Welcome to |systemd\[1\]: .*running in system mode/],
  // The last is what dryboot types where a shell stands without a greeting.
  ["login", /<<< Welcome to |\blogin: | echo dry''boot-/],
];

export interface PhaseTracker {
  line(line: string): void;
  begin(name: string): void;
  /** Ends the last phase; gives all of them with their durations. */
  end(): Phase[];
  readonly current: string;
}

/** Follows a boot on the console; each phase lasts until the next begins. */
export function trackPhases(
  onProgress: (progress: Progress) => void = () => {},
  first = "qemu",
): PhaseTracker {
  const phases: Phase[] = [];
  let current = first;
  let since = performance.now();
  let next = 0;
  const begin = (name: string): void => {
    const now = performance.now();
    phases.push({ name: current, durationMs: now - since });
    current = name;
    since = now;
  };
  return {
    get current() {
      return current;
    },
    line(line) {
      const found = begins.findIndex(([, pattern], index) => index >= next && pattern.test(line));
      if (found >= 0) {
        next = found + 1;
        begin(begins[found]?.[0] ?? current);
      }
      onProgress({
        phase: current,
        ...(current === "login" ? {} : { detail: withoutSecrets(line.trim()) }),
      });
    },
    begin(name) {
      begin(name);
      onProgress({ phase: name });
    },
    end() {
      begin("");
      return phases;
    },
  };
}
