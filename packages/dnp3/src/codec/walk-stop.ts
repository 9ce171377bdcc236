import { DecodeError } from '@gridseal/wire'

/**
 * Why and where the object headers could not be told to the end. Not an error that was thrown: malformed requests come
 * by the thousand, and an `Error` costs more than the whole walk; {@link stopError} makes one of it.
 */
export interface WalkStop {
  /**
   * `dnp3.object.unknown` means that the length of an object is not known to us, `dnp3.function.unknown` that the
   * function is not; all other codes are faults of the sender.
   */
  readonly code: string
  /** Offset in the fragment. */
  readonly offset: number
  readonly field: string
  readonly reason: string
  /** The header at which the walk ended, as far as it is there. */
  readonly group: number | undefined
  readonly variation: number | undefined
}

/** Reserved and unknown, not wrong. */
export function isUnknown({ code }: Pick<WalkStop, 'code'>): boolean {
  return code === 'dnp3.object.unknown' || code === 'dnp3.function.unknown'
}

export function stopError({ code, offset, field, reason }: WalkStop): DecodeError {
  return new DecodeError(code, offset, field, reason)
}
