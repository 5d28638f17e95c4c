export { renderDifference, type DifferenceText } from "./difference-text.ts";
export { cleanLine, renderError, renderUnexpected } from "./error-text.ts";
export { renderJunit } from "./junit.ts";
export { renderFailure, renderMachine, renderSummary, type TextOptions } from "./machine-text.ts";
export { createPalette, type Palette } from "./palette.ts";
export {
  exitCodeOf,
  outcomeOfError,
  toErrorData,
  unexpectedExitCode,
  type ErrorData,
  type MachineResult,
  type Outcome,
} from "./result.ts";
export { cut, renderTable } from "./table.ts";
