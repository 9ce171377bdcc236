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
    return this.#end(this.#client, 0, this.#ports >>> 16)
  }

  get server(): Endpoint {
    return this.#end(this.#server, LONG, this.#ports & 0xffff)
  }

  /** The end with an address of IPv4, or of IPv6 from `at` in {@link #long} on. */
  #end(address: number, at: number, port: number): Endpoint {
    const long = this.#long
    return long === undefined ? new Ipv4Endpoint(address, port) : new Ipv6Endpoint(long.subarray(at, at + LONG), port)
  }
}
