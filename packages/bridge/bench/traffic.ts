import type { Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'

export const FRAME_LENGTH = 256

/** A Modbus TCP frame of 256 bytes (write multiple registers, as long as a frame gets). */
export function modbusFrame(transaction: number): Buffer {
  const frame = Buffer.alloc(FRAME_LENGTH)
  frame.writeUInt16BE(transaction & 0xffff, 0)
  frame.writeUInt16BE(FRAME_LENGTH - 6, 4)
  frame[6] = 1
  frame[7] = 16
  frame.writeUInt16BE(121, 10)
  frame[12] = 242
  return frame
}

/** A device that counts what it gets. */
export class Sink {
  readonly server: Server
  bytes = 0
  #socket: Socket | undefined
  #onData: ((bytes: number) => void) | undefined

  constructor() {
    this.server = createServer({ noDelay: true }, (socket) => {
      this.#socket = socket
      socket.on('data', (chunk) => {
        this.bytes += chunk.length
        this.#onData?.(this.bytes)
      })
      socket.on('error', () => undefined)
    })
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.server.listen(0, '127.0.0.1', () => resolve((this.server.address() as AddressInfo).port))
    })
  }

  /** Resolves when `total` bytes have come in all. */
  reached(total: number): Promise<void> {
    if (this.bytes >= total) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onData = (bytes) => {
        if (bytes < total) return
        this.#onData = undefined
        resolve()
      }
    })
  }

  setPaused(paused: boolean): void {
    if (paused) this.#socket?.pause()
    else this.#socket?.resume()
  }

  close(): void {
    this.#socket?.destroy()
    this.server.close()
  }
}

/** A master that sends. */
export class Source {
  readonly #socket: Socket
  readonly #chunk: Buffer

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#chunk = Buffer.concat(Array.from({ length: 64 }, (_, i) => modbusFrame(i)))
  }

  static connect(port: number): Promise<Source> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(new Source(socket)))
      socket.once('error', reject)
    })
  }

  /** Sends as fast as the socket takes it until `done()`; returns the bytes sent. */
  async flood(done: () => boolean): Promise<number> {
    let sent = 0
    while (!done()) {
      sent += this.#chunk.length
      if (!this.#socket.write(this.#chunk)) {
        const drained = new Promise<void>((resolve) => this.#socket.once('drain', resolve))
        const soon = new Promise<void>((resolve) => setTimeout(resolve, 200))
        await Promise.race([drained, soon])
        while (this.#socket.writableNeedDrain && !done()) await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
    return sent
  }

  send(frame: Buffer): void {
    this.#socket.write(frame)
  }

  close(): void {
    this.#socket.destroy()
  }
}
