import type { Cursor } from './cursor.ts'
import type { Endpoint } from './endpoint.ts'
import { Ipv4Endpoint, Ipv6Endpoint } from './endpoint.ts'
import type { TcpStream } from './events.ts'
import type { TcpHeader } from './tcp-header.ts'

/** Words of an IPv6 address. */
const LONG = 4

/** Lives as long as its connection, of which captures have by the thousand: what it weighs is dear to the collector. */
export class SeenStream implements TcpStream {
  readonly index: number
  readonly firstPacket: number
  readonly midStream: boolean
  context: unknown = undefined
  /** Port of the client << 16 | port of the server. */
  readonly #ports: number
  /** Addresses of IPv4. */
  readonly #client: number
  readonly #server: number
  /** Of IPv6, the client's first. */
  readonly #long: Int32Array | undefined

  /** The stream that begins with the segment under the cursor. */
  constructor(index: number, c: Cursor, header: TcpHeader, fromClient: boolean, midStream: boolean) {
    const { sourcePort, destinationPort } = header
    const [client, server] = fromClient ? [c.source, c.destination] : [c.destination, c.source]
    this.index = index
    this.firstPacket = c.packet!.number
    this.midStream = midStream
    this.#ports = fromClient ? (sourcePort << 16) | destinationPort : (destinationPort << 16) | sourcePort
    this.#client = client[0]!
    this.#server = server[0]!
    this.#long = c.isIpv6 ? Int32Array.of(...client, ...server) : undefined
  }

  get client(): Endpoint {
    const port = this.#ports >>> 16
    const long = this.#long
    return long === undefined ? new Ipv4Endpoint(this.#client, port) : new Ipv6Endpoint(long.subarray(0, LONG), port)
  }

  get server(): Endpoint {
    const port = this.#ports & 0xffff
    const long = this.#long
    return long === undefined ? new Ipv4Endpoint(this.#server, port) : new Ipv6Endpoint(long.subarray(LONG), port)
  }
}
