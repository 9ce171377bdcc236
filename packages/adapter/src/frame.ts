/** Which way a frame travels: from the utility's master to the device, or back. */
export type Direction = 'to-device' | 'to-master'

/** Name of a link, unique within a site: one device, one serial line or one multicast group. */
export type LinkId = string

/** Name of a protocol, as configuration and records spell it. */
export type ProtocolId = 'modbus' | 'dnp3' | 'c12' | 'iec61850' | 'goose' | 'sv' | 'ieee2030-5' | 'raw'

/** One whole protocol frame as it crossed a link, byte for byte. */
export interface Frame {
  readonly link: LinkId
  /** Which of the link's connections it belongs to; 0 where the medium has none (serial, UDP, multicast). */
  readonly connection: number
  readonly direction: Direction
  /** When it was whole, nanoseconds since 1970-01-01 UTC. */
  readonly time: bigint
  readonly bytes: Uint8Array
}

/** The other way. */
export function opposite(direction: Direction): Direction {
  return direction === 'to-device' ? 'to-master' : 'to-device'
}
