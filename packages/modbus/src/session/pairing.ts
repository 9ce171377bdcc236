import type { Adu, Framing } from '../codec/adu.ts'

/** A request that waits for its response. */
interface Pending<T> {
  readonly unit: number
  readonly functionCode: number
  readonly request: T
}

/**
 * Finds the request that a response answers. With transaction ids any number may be open; without them (serial) a
 * response can only answer the last request. A client that uses one transaction id for everything (many do) is served
 * as well: the latest request with the id counts.
 *
 * Pure and bounded: the oldest request is forgotten when `limit` are open.
 */
export class Pairing<T> {
  readonly #byTransaction: boolean
  readonly #limit: number
  readonly #open = new Map<number, Pending<T>>()

  constructor(framing: Framing, limit: number = 256) {
    this.#byTransaction = framing === 'tcp'
    this.#limit = limit
  }

  /** Requests that have no response yet. */
  get size(): number {
    return this.#open.size
  }

  /** A request went to the device. `functionCode` without exception bit. */
  sent(adu: Adu, functionCode: number, request: T): void {
    const key = this.#key(adu)
    this.#open.delete(key)
    if (this.#open.size >= this.#limit) {
      for (const oldest of this.#open.keys()) {
        this.#open.delete(oldest)
        break
      }
    }
    this.#open.set(key, { unit: adu.unit, functionCode, request })
  }

  /** The request that a response answers, which is open no longer; undefined for a response to nothing known. */
  answered(adu: Adu, functionCode: number): T | undefined {
    const key = this.#key(adu)
    const pending = this.#open.get(key)
    if (pending === undefined || pending.unit !== adu.unit || pending.functionCode !== functionCode) return undefined
    this.#open.delete(key)
    return pending.request
  }

  #key(adu: Adu): number {
    return this.#byTransaction ? (adu.transaction ?? 0) : 0
  }
}

/** A pairing for each conversation; the one not used for longest gives way when there are more than `limit`. */
export class Pairings<T> {
  readonly #framing: Framing
  readonly #limit: number
  readonly #conversations = new Map<string, Pairing<T>>()

  constructor(framing: Framing, limit: number = 1024) {
    this.#framing = framing
    this.#limit = limit
  }

  of(link: string, connection: number): Pairing<T> {
    const key = `${connection}/${link}`
    let pairing = this.#conversations.get(key)
    if (pairing !== undefined) {
      this.#conversations.delete(key)
    } else {
      pairing = new Pairing(this.#framing)
      if (this.#conversations.size >= this.#limit) {
        for (const idlest of this.#conversations.keys()) {
          this.#conversations.delete(idlest)
          break
        }
      }
    }
    this.#conversations.set(key, pairing)
    return pairing
  }
}
