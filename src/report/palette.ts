import pc from "picocolors";

export type Palette = ReturnType<typeof pc.createColors>;

/** Colours for one stream: `NO_COLOR` and `FORCE_COLOR` go before what the stream is. */
export function createPalette(
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): Palette {
  if ((environment["NO_COLOR"] ?? "") !== "") return pc.createColors(false);
  if ((environment["FORCE_COLOR"] ?? "") !== "")
    return pc.createColors(environment["FORCE_COLOR"] !== "0");
  return pc.createColors(stream.isTTY === true && environment["TERM"] !== "dumb");
}
