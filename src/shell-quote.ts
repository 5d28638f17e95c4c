/** One word for a POSIX shell, whatever it holds. */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./-][\w@%+=:,./#-]*$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command line of which a shell makes this argument vector again. */
export function quoteWords(words: readonly string[]): string {
  return words.map(quoteWord).join(" ");
}
