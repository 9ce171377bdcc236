import { DecodeError, UsageError } from '@gridseal/wire'

/** Throws {@link UsageError} `pqc.argument.type` unless `value` is a Uint8Array. `what` names the argument. */
export function needBytes(value: unknown, what: string): asserts value is Uint8Array {
  if (!(value instanceof Uint8Array)) {
    throw new UsageError('pqc.argument.type', `${what} must be a Uint8Array, not ${describeType(value)}`, { what })
  }
}

/** A byte argument that the caller chose: wrong type or length is the caller's fault ({@link UsageError}). */
export function needLength(value: unknown, length: number, code: string, what: string): asserts value is Uint8Array {
  needBytes(value, what)
  if (value.length !== length) {
    const message = `${what} must be ${length} bytes, not ${value.length}`
    throw new UsageError(code, message, { what, expected: length, actual: value.length })
  }
}

/** A byte argument that a peer sent: a wrong length is the peer's fault ({@link DecodeError}). */
export function needReceived(value: unknown, length: number, code: string, what: string): asserts value is Uint8Array {
  needBytes(value, what)
  if (value.length !== length) {
    const details = { expected: length, actual: value.length }
    throw new DecodeError(code, 0, what, `must be ${length} bytes, not ${value.length}`, details)
  }
}

/** A count of bytes to make, from `least` to `most`. Throws {@link UsageError} `pqc.argument.range`. */
export function needCount(value: unknown, least: number, most: number, what: string): asserts value is number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return
  const shown = typeof value === 'number' ? String(value) : describeType(value)
  throw new UsageError('pqc.argument.range', `${what} must be ${least} to ${most}, not ${shown}`, { what, least, most })
}

/** Options that the caller gave: one that does not exist is a misspelt one. Throws `UsageError` `pqc.option.unknown`. */
export function needKnown(options: object, names: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new UsageError('pqc.option.unknown', `unknown option "${name}"`, { name })
  }
}

function describeType(value: unknown): string {
  if (value === null) return 'null'
  return typeof value === 'object' ? (value.constructor?.name ?? 'an object') : typeof value
}
