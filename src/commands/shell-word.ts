/** A word as a POSIX shell reads it back. */
export const shellWord = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** A command line as it may be kept and pasted: every word quoted where a shell needs it, and no token. */
export const commandLineOf = (argv: readonly string[]): string =>
  [
    'kubectl',
    'calico-fw',
    ...argv.map((word, at) =>
      argv[at - 1] === '--token' ? 'HIDDEN' : shellWord(word.replace(/^--token=.*/s, '--token=HIDDEN').replace(/:\/\/[^/@\s]*@/g, '://HIDDEN@')),
    ),
  ].join(' ')
