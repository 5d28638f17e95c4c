/** One word for a shell, whatever it holds. */
export function quoteWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command line of which a shell makes this argument vector again. */
export function quoteWords(words: readonly string[]): string {
  return words.map(quoteWord).join(" ");
}
