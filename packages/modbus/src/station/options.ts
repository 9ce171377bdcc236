import { UsageError } from '@gridseal/wire'

/** Throws {@link UsageError} `SUBJECT.option` for an option that does not exist: most often a misspelt one. */
export function knownOptions(subject: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new UsageError(`${subject}.option`, `there is no option ${unknown}, only ${known.join(', ')}`, {
    unknown,
    known,
  })
}
