import type { Cursor } from './cursor.ts'
import { i32, u16 } from './cursor.ts'

export const TCP_FLAG = { FIN: 0x01, SYN: 0x02, RST: 0x04, ACK: 0x10 } as const

const SHORTEST_HEADER = 20

/** The fields of a TCP header (RFC 9293 3.1) that reassembly needs; one object per tracker, refilled. */
export interface TcpHeader {
  sourcePort: number
  destinationPort: number
  /** Signed, as all sequence arithmetic here. */
  sequence: number
  acknowledgement: number
  flags: number
}

/** Reads the header at the cursor and leaves the cursor on the data; false after reporting what is wrong. */
export function readTcpHeader(c: Cursor, into: TcpHeader): boolean {
  if (!c.has(SHORTEST_HEADER, 'pcap.tcp.truncated')) return false
  const b = c.bytes
  const at = c.at
  const length = (b[at + 12]! >>> 4) * 4
  if (length < SHORTEST_HEADER) return c.fail('pcap.tcp.header-length', at + 12, `header of ${length} bytes`)
  if (!c.has(length, 'pcap.tcp.truncated')) return false
  into.sourcePort = u16(b, at)
  into.destinationPort = u16(b, at + 2)
  into.sequence = i32(b, at + 4)
  into.acknowledgement = i32(b, at + 8)
  into.flags = b[at + 13]!
  c.at = at + length
  return true
}
