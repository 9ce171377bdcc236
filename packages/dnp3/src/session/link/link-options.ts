import { UsageError } from '@gridseal/wire'

/** Options of a station's link layer; every time is in milliseconds. */
export interface LinkLayerOptions {
  /** Own address, 0..65519. */
  readonly local: number
  /** Address of the peer. */
  readonly remote: number
  /** Take requests of every master, and answer it. Default false. */
  readonly anyRemote?: boolean
  /** Outstation: take what is sent to the self-address FFFC, and answer from the own one. Default false. */
  readonly selfAddress?: boolean
  /** Send user data confirmed (serial lines). Default false. */
  readonly confirm?: boolean
  /** How long to wait for an acknowledgement, and for the answer to a keep-alive. Default 1000. */
  readonly ackTimeout?: number
  /** How often a confirmed frame is sent again. Default 3. */
  readonly retries?: number
  /** Ask for the link status after so long without a frame; 0: never. Default 60000. */
  readonly keepAlive?: number
  /** Octets of the largest fragment taken. Default 2048. */
  readonly maxReceive?: number
}

export type LinkSettings = Required<LinkLayerOptions>

/** The options with every default. Throws {@link UsageError} `dnp3.link.option`. */
export function settleLink(options: LinkLayerOptions): LinkSettings {
  const settings: LinkSettings = {
    anyRemote: false,
    selfAddress: false,
    confirm: false,
    ackTimeout: 1000,
    retries: 3,
    keepAlive: 60_000,
    maxReceive: 2048,
    ...options,
  }
  within('local', settings.local, 0, 0xffef)
  within('remote', settings.remote, 0, 0xffef)
  within('ackTimeout', settings.ackTimeout, 1, 2 ** 31 - 1)
  within('retries', settings.retries, 0, 1000)
  within('keepAlive', settings.keepAlive, 0, 2 ** 31 - 1)
  within('maxReceive', settings.maxReceive, 249, 0xffff)
  return settings
}

function within(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new UsageError('dnp3.link.option', `${name} is a whole number from ${least} to ${most}, not ${value}`, {
    name,
    value,
  })
}
