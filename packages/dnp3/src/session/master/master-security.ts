import type { Fragment } from '../../codec/application.ts'

/** Secure authentication as a master's association sees it. */
export interface MasterSecurity {
  /** When {@link advance} has something to do. */
  readonly wake: number
  opened(now: number): void
  closed(): void
  advance(now: number): void
  /** Another update key from now on. */
  useUpdateKey(updateKey: Uint8Array, now: number): void
  /** The request as it shall be sent, e.g. in aggressive mode. */
  outgoing(fragment: Uint8Array, now: number): Uint8Array
  /** Is shown every response; true: it is a challenge or an error, and has been dealt with. */
  response(bytes: Uint8Array, fragment: Fragment, forUs: boolean, now: number): boolean
}
