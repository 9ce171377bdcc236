import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'
import { mulberry32 } from './fault-proxy.ts'

/** What can happen to a datagram; each is off unless given. Probabilities are per datagram, 0 to 1. */
export interface DatagramFaults {
  readonly drop?: number
  readonly duplicate?: number
  /** A byte is changed. */
  readonly corrupt?: number
  /** Milliseconds that every datagram is late. */
  readonly delay?: number
  /** Up to so many milliseconds more, at random: datagrams overtake each other. */
  readonly jitter?: number
}

export interface UdpFaultProxyOptions extends DatagramFaults {
  /** Port on 127.0.0.1 that is really there. */
  readonly target: number
  readonly seed: number
}

/** A UDP relay on loopback that makes trouble, with an address of its own for each client, like a NAT. */
export class UdpFaultProxy {
  readonly counters = { passed: 0, dropped: 0, duplicated: 0, corrupted: 0 }
  readonly #options: UdpFaultProxyOptions
  readonly #random: () => number
  readonly #near: Socket = createSocket('udp4')
  readonly #far = new Map<string, Socket>()
  #closed = false

  constructor(options: UdpFaultProxyOptions) {
    this.#options = options
    this.#random = mulberry32(options.seed)
    this.#near.on('message', (bytes, from) => this.#pass(bytes, (each) => this.#upstream(from).send(each)))
  }

  /** Starts on a free port and returns its URL, `udp://127.0.0.1:port`. */
  listen(): Promise<string> {
    return new Promise((resolve) => {
      this.#near.bind(0, '127.0.0.1', () => resolve(`udp://127.0.0.1:${this.#near.address().port}`))
    })
  }

  close(): void {
    this.#closed = true
    for (const socket of [this.#near, ...this.#far.values()]) socket.close()
  }

  #upstream({ address, port }: RemoteInfo): { send(bytes: Uint8Array): void } {
    const key = `${address} ${port}`
    let socket = this.#far.get(key)
    if (socket === undefined) {
      socket = createSocket('udp4')
      socket.on('message', (bytes) => this.#pass(bytes, (each) => this.#near.send(each, port, address)))
      socket.on('error', () => undefined)
      this.#far.set(key, socket)
    }
    const { target } = this.#options
    return { send: (bytes) => socket.send(bytes, target, '127.0.0.1', () => undefined) }
  }

  #pass(bytes: Uint8Array, on: (bytes: Uint8Array) => void): void {
    const { drop = 0, duplicate = 0, corrupt = 0, delay = 0, jitter = 0 } = this.#options
    if (this.#random() < drop) {
      this.counters.dropped++
      return
    }
    const copies = this.#random() < duplicate ? 2 : 1
    this.counters.duplicated += copies - 1
    for (let copy = 0; copy < copies; copy++) {
      const each = Uint8Array.from(bytes)
      if (this.#random() < corrupt) {
        this.counters.corrupted++
        each[Math.floor(this.#random() * each.length)]! ^= 0x55
      }
      setTimeout(
        () => {
          if (this.#closed) return
          this.counters.passed++
          on(each)
        },
        delay + jitter * this.#random(),
      )
    }
  }
}
