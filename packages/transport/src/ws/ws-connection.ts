import type { Socket } from 'node:net'
import { ProtocolError } from '@gridseal/wire'
import type { RawData, WebSocket } from 'ws'
import { BaseConnection } from '../base-connection.ts'
import { formatAddress } from '../endpoint.ts'
import { plainAddress } from '../ip-address.ts'
import type { ConnectionSettings } from '../options.ts'
import { systemError } from '../system-error.ts'

/** A longer chunk goes out in several messages. */
const MESSAGE = 1 << 20
/** A message that is longer is no peer of ours. */
export const MAX_MESSAGE: number = 4 * MESSAGE

/** Close codes of RFC 6455 7.4.1: a normal end, or one without a code. */
const NORMAL: ReadonlySet<number> = new Set([1000, 1001, 1005])

/** Bytes over a WebSocket that is open. Messages have no meaning: they are pieces of one stream. */
export class WebSocketConnection extends BaseConnection {
  readonly medium = 'stream'
  readonly local: string
  readonly remote: string
  readonly #socket: WebSocket
  readonly #tcp: Socket
  readonly #settings: ConnectionSettings
  #queued = 0
  #failure: Error | undefined

  constructor(socket: WebSocket, tcp: Socket, settings: ConnectionSettings, scheme: 'ws' | 'wss') {
    super(settings.queue)
    this.#socket = socket
    this.#tcp = tcp
    this.#settings = settings
    this.local = formatAddress(scheme, plainAddress(tcp.localAddress ?? ''), tcp.localPort ?? 0)
    this.remote = formatAddress(scheme, plainAddress(tcp.remoteAddress ?? ''), tcp.remotePort ?? 0)
    socket.pause()
    socket.on('message', (data: RawData, isBinary: boolean) => this.#received(data, isBinary))
    socket.on('error', (error) => {
      this.#failure = error
    })
    socket.on('close', (code) => this.#ended(code))
    if (settings.keepAlive > 0) tcp.setKeepAlive(true, settings.keepAlive)
    if (settings.idleTimeout > 0) tcp.setTimeout(settings.idleTimeout, () => this.#idle())
  }

  get queued(): number {
    return this.#queued
  }

  protected transmit(chunk: Uint8Array): void {
    this.#queued += chunk.length
    for (let at = 0; at < chunk.length; at += MESSAGE) {
      const message = chunk.subarray(at, at + MESSAGE)
      this.#socket.send(message, { binary: true }, () => {
        this.#queued -= message.length
        this.left()
      })
    }
  }

  protected setReading(on: boolean): void {
    if (on) this.#socket.resume()
    else this.#socket.pause()
  }

  protected finish(): void {
    this.lingerFor(this.#settings.linger + this.#queued)
    this.#socket.close(1000)
  }

  protected breakOff(reset: boolean): void {
    if (reset && !('encrypted' in this.#tcp)) this.#tcp.resetAndDestroy()
    this.#socket.terminate()
  }

  #received(data: RawData, isBinary: boolean): void {
    if (isBinary && data instanceof Uint8Array) return this.received(data)
    this.destroy(new ProtocolError('transport.connection.text', `${this.remote}: a text message, bytes are expected`))
  }

  #ended(code: number): void {
    if (NORMAL.has(code)) this.peerEnded()
    else {
      const text = `${this.remote}: the peer broke it off (${code})`
      const error = this.#failure ?? new ProtocolError('transport.connection.reset', text, { code })
      this.failed(systemError('connection', this.remote, error))
    }
    this.terminated()
  }

  #idle(): void {
    const { idleTimeout } = this.#settings
    const message = `${this.remote}: no byte in either direction for ${idleTimeout} ms`
    this.destroy(new ProtocolError('transport.connection.idle', message, { idleTimeout }))
  }
}
