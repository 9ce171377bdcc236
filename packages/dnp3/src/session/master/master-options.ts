import { UsageError } from '@gridseal/wire'
import { settleLink } from '../link/link-options.ts'
import type { LinkLayerOptions, LinkSettings } from '../link/link-options.ts'

export type PollClass = 0 | 1 | 2 | 3

/** Something that is read again and again. */
export interface PollOptions {
  readonly name: string
  /** Milliseconds from the end of one poll to the beginning of the next. */
  readonly every: number
  /** Headers to read, e.g. of classOctets. */
  readonly objects: Uint8Array
  /** Milliseconds for each fragment of an answer. Default: the association's. */
  readonly responseTimeout?: number
}

/** How the time of an outstation is set: over a LAN, over a serial line, or just written; never. */
export type TimeSync = 'lan' | 'serial' | 'direct' | 'none'

/** Options of a master's association with one outstation; every time is in milliseconds. */
export interface AssociationOptions extends LinkLayerOptions {
  /** Wait so long for each fragment of an answer. Default 5000. */
  readonly responseTimeout?: number
  /** A command or request that has not been sent by then fails. Default 10000. */
  readonly startTimeout?: number
  /** First wait before a failed task is tried again; it doubles up to `retryMax`. Default 5000 and 60000. */
  readonly retryBase?: number
  readonly retryMax?: number
  /**
   * Another master has this association, and this one speaks in its name for a moment: it neither clears DEVICE_RESTART nor
   * confirms unsolicited responses, which are the other's to have. Default false.
   */
  readonly guest?: boolean
  /** Switch unsolicited responses off first. Default true. */
  readonly disableUnsolicited?: boolean
  /** Classes of the integrity poll at the start. Default 1, 2, 3, 0; empty: none. */
  readonly integrity?: readonly PollClass[]
  /** Integrity polls from then on, so often; 0: at the start only. Default 0. */
  readonly integrityEvery?: number
  /** Classes whose unsolicited responses are switched on. Default 1, 2, 3. */
  readonly unsolicited?: readonly PollClass[]
  /** Read classes whose events an outstation says it has. Default none. */
  readonly eventScan?: readonly PollClass[]
  /** What to do when an outstation asks for the time. Default none. */
  readonly timeSync?: TimeSync
  /** Classes to assign after a restart: headers of ASSIGN_CLASS. Default none. */
  readonly assignClasses?: Uint8Array
  readonly polls?: readonly PollOptions[]
}

export type AssociationSettings = Required<Omit<AssociationOptions, keyof LinkLayerOptions | 'assignClasses'>> & {
  readonly link: LinkSettings
  readonly assignClasses: Uint8Array | undefined
}

/** The options with every default. Throws {@link UsageError} `dnp3.master.option`, `dnp3.link.option`. */
export function settleAssociation(options: AssociationOptions): AssociationSettings {
  const {
    responseTimeout = 5000,
    startTimeout = 10_000,
    retryBase = 5000,
    retryMax = 60_000,
    guest = false,
    disableUnsolicited = true,
    integrity = [1, 2, 3, 0],
    integrityEvery = 0,
    unsolicited = [1, 2, 3],
    eventScan = [],
    timeSync = 'none',
    assignClasses,
    polls = [],
    ...link
  } = options
  for (const [name, value] of Object.entries({ responseTimeout, startTimeout, retryBase, retryMax })) {
    if (!Number.isInteger(value) || value < 1 || value > 2 ** 31 - 1) {
      throw new UsageError('dnp3.master.option', `${name} is a number of milliseconds, not ${value}`, { name, value })
    }
  }
  for (const { name, every } of polls) {
    if (!(every > 0))
      throw new UsageError('dnp3.master.option', `poll ${name}: every so many milliseconds, not ${every}`)
  }
  return {
    link: settleLink(link),
    responseTimeout,
    startTimeout,
    retryBase,
    retryMax,
    guest,
    disableUnsolicited,
    integrity,
    integrityEvery,
    unsolicited,
    eventScan,
    timeSync,
    assignClasses,
    polls,
  }
}
