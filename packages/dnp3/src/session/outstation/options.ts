import { UsageError } from '@gridseal/wire'
import type { CollisionOptions } from '../link/collision-avoidance.ts'
import { settleLink } from '../link/link-options.ts'
import type { LinkLayerOptions, LinkSettings } from '../link/link-options.ts'
import type { EventLimits } from './event-buffer.ts'

/** How unsolicited responses are sent (IEEE 1815 clause 5). */
export interface UnsolicitedOptions {
  /** How often one is sent again without a confirmation; default without end. The first, empty one always is. */
  readonly retries?: number
  /** Milliseconds after a series was given up until the next begins by itself; default 0: not before another event. */
  readonly again?: number
  /** Wait so many milliseconds for more events before sending some. Default 0. */
  readonly hold?: number
  /** Do not wait longer once there are so many. Default 1. */
  readonly holdEvents?: number
  /** Wait for silence on a serial line that others share; default: send at once. */
  readonly collisionAvoidance?: CollisionOptions
  /** 0 up to 1, for the random part of it. Default Math.random. */
  readonly draw?: () => number
}

/** {@link UnsolicitedOptions} with every default. */
export type UnsolicitedSettings = Required<Omit<UnsolicitedOptions, 'collisionAvoidance'>> &
  Pick<UnsolicitedOptions, 'collisionAvoidance'>

/** Options of an outstation's association with one master; every time is in milliseconds. */
export interface OutstationOptions extends LinkLayerOptions {
  /** Octets of the largest fragment sent. Default 2048. */
  readonly maxTransmit?: number
  /** Wait so long for a confirmation. Default 5000. */
  readonly confirmTimeout?: number
  /** OPERATE must follow SELECT within. Default 10000. */
  readonly selectTimeout?: number
  /** Default: no unsolicited responses, and their functions are not supported. */
  readonly unsolicited?: UnsolicitedOptions
  /** A READ waits while an unsolicited response is not confirmed (`defer`), or is answered while it is the first, empty one. */
  readonly readDuringNull?: 'defer' | 'answer'
  /** Events kept, by kind of point. Default 1000 of each. */
  readonly events?: EventLimits
  /** NEED_TIME comes back so long after the time was set. Default 0: never. */
  readonly timeInterval?: number
  /** Commands of one request. Default 100. */
  readonly maxControls?: number
  /** Object headers of one request. Default 64. */
  readonly maxHeaders?: number
}

export interface OutstationSettings {
  readonly link: LinkSettings
  readonly maxTransmit: number
  readonly confirmTimeout: number
  readonly selectTimeout: number
  readonly unsolicited: UnsolicitedSettings | undefined
  readonly readDuringNull: 'defer' | 'answer'
  readonly events: EventLimits
  readonly timeInterval: number
  readonly maxControls: number
  readonly maxHeaders: number
}

/** The options with every default. Throws {@link UsageError} `dnp3.outstation.option`, `dnp3.link.option`. */
export function settleOutstation(options: OutstationOptions): OutstationSettings {
  const {
    maxTransmit = 2048,
    confirmTimeout = 5000,
    selectTimeout = 10_000,
    unsolicited,
    readDuringNull = 'defer',
    events = {},
    timeInterval = 0,
    maxControls = 100,
    maxHeaders = 64,
    ...link
  } = options
  within('maxTransmit', maxTransmit, 249, 0xffff)
  within('confirmTimeout', confirmTimeout, 1, 2 ** 31 - 1)
  within('selectTimeout', selectTimeout, 1, 2 ** 31 - 1)
  within('timeInterval', timeInterval, 0, Number.MAX_SAFE_INTEGER)
  within('maxControls', maxControls, 1, 0xffff)
  within('maxHeaders', maxHeaders, 1, 0xffff)
  return {
    link: settleLink(link),
    maxTransmit,
    confirmTimeout,
    selectTimeout,
    unsolicited: unsolicited && {
      retries: Infinity,
      again: 0,
      hold: 0,
      holdEvents: 1,
      draw: Math.random,
      ...unsolicited,
    },
    readDuringNull,
    events,
    timeInterval,
    maxControls,
    maxHeaders,
  }
}

function within(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new UsageError('dnp3.outstation.option', `${name} is a whole number from ${least} to ${most}, not ${value}`, {
    name,
    value,
  })
}
