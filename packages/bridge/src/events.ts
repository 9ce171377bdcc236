import { GridsealError } from '@gridseal/wire'

export type Level = 'debug' | 'info' | 'warn' | 'error'

/** Something an operator may want to know. */
export interface BridgeEvent {
  readonly level: Level
  /** Stable name, e.g. `channel.up`, `link.connection.opened`, `envelope.signature`. */
  readonly code: string
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

/** Where events go. */
export type Report = (event: BridgeEvent) => void

/** The event of a refused or failed operation, with the error's own code and exact reason. */
export function failure(
  level: Level,
  what: string,
  error: unknown,
  details: Record<string, unknown> = {},
): BridgeEvent {
  if (error instanceof GridsealError) {
    return { level, code: error.code, message: `${what}: ${error.message}`, details: { ...error.details, ...details } }
  }
  const reason = error instanceof Error ? error.message : String(error)
  return { level: 'error', code: 'internal.unexpected', message: `${what}: ${reason}`, details }
}
