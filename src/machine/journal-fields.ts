/** One entry of a journal: its fields by name. */
export type JournalFields = Readonly<Record<string, unknown>>;

/** `journalctl --output=json`: an object a line; what is not one, as the last line of a cut text, is left out. */
export function parseJournalFields(text: string): JournalFields[] {
  return text.split("\n").flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line);
      return typeof value === "object" && value !== null ? [{ ...value }] : [];
    } catch {
      return [];
    }
  });
}

/** What is no UTF-8 comes as a list of bytes, what was given twice as a list of texts; null is too long for JSON. */
export function fieldText(field: unknown): string {
  if (field === null) return "(too long to be shown)";
  if (!Array.isArray(field)) return typeof field === "string" ? field : "";
  if (field.every((item) => typeof item === "number")) {
    return new TextDecoder().decode(Uint8Array.from(field));
  }
  return field.map(fieldText).join("\n");
}

/** The unit that wrote an entry, or that systemd wrote it about. */
export function unitOfEntry(fields: JournalFields): string | undefined {
  const unit = fields["UNIT"] ?? fields["_SYSTEMD_UNIT"];
  return unit === undefined ? undefined : fieldText(unit);
}
