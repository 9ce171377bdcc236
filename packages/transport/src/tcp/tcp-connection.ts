import type { Socket } from 'node:net'
import { ProtocolError } from '@gridseal/wire'
import { BaseConnection } from '../base-connection.ts'
import { formatAddress } from '../endpoint.ts'
import { plainAddress } from '../ip-address.ts'
import type { ConnectionSettings } from '../options.ts'
import { systemError } from '../system-error.ts'
import type { SharedRead } from './shared-read.ts'

const NOTHING = new Uint8Array(0)

/** A TCP connection around a socket that is connected and has TCP_NODELAY set; under TLS, one whose handshake is over. */
export class TcpConnection extends BaseConnection {
  readonly medium = 'stream'
  readonly local: string
  readonly remote: string
  readonly #socket: Socket
  readonly #settings: ConnectionSettings
  #ending = false
  #reading = false
  /** A chunk that came when reading had been stopped: a stream that is resumed and paused in one turn reads once. */
  #held: Uint8Array | undefined
  readonly #left = (): void => this.left()

  constructor(socket: Socket, settings: ConnectionSettings, scheme: 'tcp' | 'tls' = 'tcp', read?: SharedRead) {
    super(settings.queue)
    this.#socket = socket
    this.#settings = settings
    this.local = formatAddress(scheme, plainAddress(socket.localAddress ?? ''), socket.localPort ?? 0)
    this.remote = formatAddress(scheme, plainAddress(socket.remoteAddress ?? ''), socket.remotePort ?? 0)
    // Paused before the listener for data is added, which would set it flowing.
    socket.pause()
    if (read?.options === undefined) socket.on('data', (chunk: Buffer) => this.received(chunk))
    else read.deliver = (chunk) => this.#take(chunk)
    socket.on('end', () => this.peerEnded(settings.halfOpen))
    socket.on('error', (error) => this.failed(systemError('connection', this.remote, error)))
    socket.on('close', () => this.terminated())
    socket.on('timeout', () => this.#timedOut())
    if (settings.idleTimeout > 0) socket.setTimeout(settings.idleTimeout)
  }

  get queued(): number {
    return this.#socket.writableLength
  }

  protected transmit(chunk: Uint8Array): void {
    this.#socket.write(chunk, this.#left)
  }

  /** Corked, the chunks leave in one call to the system, which calls back when it has taken the last. */
  protected override transmitAll(chunks: readonly Uint8Array[], taken?: () => void): void {
    const socket = this.#socket
    const last = chunks.length - 1
    socket.cork()
    for (let i = 0; i < last; i++) socket.write(chunks[i]!)
    socket.write(chunks[last] ?? NOTHING, (error) => {
      // After an error the system may not be done with them.
      if (error === undefined || error === null) taken?.()
      this.left()
    })
    socket.uncork()
  }

  protected setReading(on: boolean): void {
    this.#reading = on
    const held = this.#held
    if (on && held !== undefined) {
      this.#held = undefined
      this.received(held)
    }
    if (this.#reading) this.#socket.resume()
    else this.#socket.pause()
  }

  #take(chunk: Uint8Array): boolean {
    if (this.#reading) this.received(chunk)
    else this.#held = chunk
    return this.#reading
  }

  protected finish(): void {
    this.#ending = true
    const { linger } = this.#settings
    // While bytes move, even parts of one chunk, the socket's own timer starts anew; only the system can tell. The other
    // timer is for a peer that goes on sending and takes nothing: it has to take a kilobyte a second.
    this.#socket.setTimeout(linger)
    this.lingerFor(linger + this.queued)
    if (this.#socket.writableFinished) this.#flushed()
    else this.#socket.once('finish', () => this.#flushed())
    this.#socket.end()
  }

  protected breakOff(reset: boolean): void {
    if (reset && !('encrypted' in this.#socket)) this.#socket.resetAndDestroy()
    else this.#socket.destroy()
  }

  /** Everything and the FIN are on their way; all that is left is the peer's FIN, which gets a fixed time. */
  #flushed(): void {
    this.#socket.setTimeout(0)
    this.lingerFor(this.#settings.linger)
  }

  #timedOut(): void {
    if (this.#ending) this.lingered()
    else {
      const { idleTimeout } = this.#settings
      const message = `${this.remote}: no byte in either direction for ${idleTimeout} ms`
      this.destroy(new ProtocolError('transport.connection.idle', message, { idleTimeout }))
    }
  }
}
