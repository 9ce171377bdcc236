import type { Observable } from 'rxjs'
import type { Connection } from './connection.ts'

/** Counters of a listener. They only grow, except `open`. */
export interface ListenerCounters {
  /** Connections that are open now. */
  open: number
  /** Connections accepted since the start. */
  accepted: number
  /** Connections destroyed at once because the allow-list does not name their address. */
  refusedAddress: number
  /** Connections destroyed at once because as many as may be were open. */
  refusedFull: number
  /** Errors in accepting, such as too many open files. */
  errors: number
}

/** Accepts connections. */
export interface Listener {
  /** Where it listens, with the real port. */
  readonly url: string
  /** Accepted connections, for one subscriber at a time; held while there is none. Completes on {@link close}. */
  readonly connections: Observable<Connection>
  readonly counters: Readonly<ListenerCounters>
  /**
   * Frees the port and destroys what nobody has taken; connections that were handed out live on. Resolves when that is
   * done.
   */
  close(): Promise<void>
}

export function newListenerCounters(): ListenerCounters {
  return { open: 0, accepted: 0, refusedAddress: 0, refusedFull: 0, errors: 0 }
}
