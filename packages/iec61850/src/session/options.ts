import { UsageError } from '@gridseal/wire'

/** Throws {@link UsageError} `iec61850.option` for a key that is not known. */
export function knownKeys(options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    const message = `there is no option "${name}"; there are ${known.join(', ')}`
    throw new UsageError('iec61850.option', message, { name, known })
  }
}

/** Throws {@link UsageError} `iec61850.option` for a number that is not whole, or out of range. */
export function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  const message = `${name} must be a whole number from ${least} to ${most}, not ${value}`
  throw new UsageError('iec61850.option', message, { name, value })
}

export const U32_MAX = 0xffff_ffff
