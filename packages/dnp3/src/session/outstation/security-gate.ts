import type { ApplicationControl } from '../../codec/application.ts'
import type { FragmentOrigin } from '../link/link-station.ts'

/** Secure authentication as an outstation's session sees it. */
export interface SecurityGate {
  /** When {@link advance} has something to do. */
  readonly wake: number
  /**
   * Is shown every request. True: it has dealt with it, and will hand it to the session's `request` when and if it turns out to be
   * authentic.
   */
  request(fragment: Uint8Array, control: ApplicationControl, origin: FragmentOrigin, now: number): boolean
  advance(now: number): void
  /** The connection is gone, and with it the session keys. */
  closed(): void
}
