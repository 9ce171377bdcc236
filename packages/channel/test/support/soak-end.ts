import { TicketKeys, TicketStore, connectDatagram, listenDatagram, udpLink, udpPath } from '@gridseal/channel'
import type { DatagramChannel, DatagramOptions } from '@gridseal/channel'
import { ACCEPT, CONNECT } from './channel-pair.ts'

/*
 * One end of the soak, as a process of its own: sends numbered messages for as long as it lives, over one channel after
 * the other, and takes the other end's. What it has taken it reports to its parent, which is the only memory: an end
 * that is killed is told by the next one where to go on. On each new channel both ends first say how much they have.
 */

/** What the parent starts an end with. */
export interface SoakStart {
  readonly role: 'field' | 'head-end'
  /** Where to listen, or whom to call. */
  readonly url: string
  /** Messages of the other end that have been reported. */
  readonly received: number
  /** 32 bytes in hex: a head-end that comes back takes the tickets that the one before gave. */
  readonly ticketKey: string
  readonly options: DatagramOptions
}

/** What an end tells its parent. */
export type SoakReport =
  | { readonly kind: 'ready'; readonly url: string }
  | { readonly kind: 'got'; readonly number: number }
  | { readonly kind: 'wrong'; readonly what: string }
  | { readonly kind: 'up'; readonly resumed: boolean }
  /** What the channel has counted since the last report. */
  | { readonly kind: 'counted'; readonly rekeys: number; readonly repeated: number; readonly replayed: number }
  /** It sends no more after this many. */
  | { readonly kind: 'finished'; readonly sent: number }

const [CONTROL, DATA] = [0, 1] as const
const EVERY_MS = 5
const LONGEST = 4000

/** Message `number` of an end: the number and as many bytes as follow from it. */
export function soakMessage(number: number): Uint8Array {
  const length = 8 + ((number * 7919) % 97 === 0 ? LONGEST : (number * 31) % 300)
  const bytes = new Uint8Array(length).fill(number)
  new DataView(bytes.buffer).setFloat64(0, number)
  return bytes
}

function report(what: SoakReport): void {
  process.send?.(what)
}

class End {
  readonly #start: SoakStart
  #received: number
  /** The next message to send; known when the other end has said what it has. */
  #next: number | undefined
  #limit = Number.POSITIVE_INFINITY
  /** Messages that there are to send by now: one every few ms from the first channel on. */
  #made: number | undefined
  #channel: DatagramChannel | undefined
  #counted = { rekeysCompleted: 0, segmentsRepeated: 0, replayed: 0 }

  constructor(start: SoakStart) {
    this.#start = start
    this.#received = start.received
    setInterval(() => this.#send(), EVERY_MS)
    setInterval(() => this.#count(), 500)
    process.on('message', () => this.#finish())
  }

  async run(): Promise<void> {
    const { role, url, ticketKey, options } = this.#start
    if (role === 'head-end') {
      const ticketKeys = TicketKeys.from(Buffer.from(ticketKey, 'hex'))
      const listener = listenDatagram([await udpLink({ bind: url })], { ...ACCEPT, ticketKeys, ...options })
      listener.channels.subscribe((channel) => this.#use(channel))
      report({ kind: 'ready', url: listener.urls[0] ?? '' })
      return
    }
    report({ kind: 'ready', url: '' })
    const ticketStore = new TicketStore()
    for (;;) {
      try {
        const channel = await connectDatagram([await udpPath(url)], { ...CONNECT, ticketStore, ...options })
        this.#use(channel)
        await channel.closed
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  }

  #use(channel: DatagramChannel): void {
    this.#count()
    this.#channel?.destroy()
    this.#channel = channel
    this.#counted = { rekeysCompleted: 0, segmentsRepeated: 0, replayed: 0 }
    this.#next = undefined
    report({ kind: 'up', resumed: channel.resumed })
    channel.messages.subscribe(({ port, bytes }) => {
      if (channel !== this.#channel) return
      const number = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0)
      if (port === CONTROL) this.#next = number
      else this.#take(number, bytes)
    })
    const have = new Uint8Array(8)
    new DataView(have.buffer).setFloat64(0, this.#received)
    channel.send(CONTROL, have)
  }

  #take(number: number, bytes: Uint8Array): void {
    if (number !== this.#received) report({ kind: 'wrong', what: `${number} instead of ${this.#received}` })
    else if (Buffer.compare(bytes, soakMessage(number)) !== 0) report({ kind: 'wrong', what: `${number} has changed` })
    else report({ kind: 'got', number: this.#received++ })
  }

  #send(): void {
    const channel = this.#channel
    if (channel === undefined || this.#next === undefined) return
    this.#made = (this.#made ?? this.#next) + 1
    while (this.#next < Math.min(this.#limit, this.#made)) {
      if (!channel.send(DATA, soakMessage(this.#next++))) break
    }
  }

  #count(): void {
    const { rekeysCompleted = 0, segmentsRepeated = 0, replayed = 0 } = this.#channel?.counters ?? {}
    const before = this.#counted
    this.#counted = { rekeysCompleted, segmentsRepeated, replayed }
    report({
      kind: 'counted',
      rekeys: rekeysCompleted - before.rekeysCompleted,
      repeated: segmentsRepeated - before.segmentsRepeated,
      replayed: replayed - before.replayed,
    })
  }

  #finish(): void {
    if (this.#next === undefined) {
      setTimeout(() => this.#finish(), 50)
      return
    }
    this.#limit = Math.max(this.#next, this.#made ?? 0)
    report({ kind: 'finished', sent: this.#limit })
  }
}

const [argument] = process.argv.slice(2)
if (argument?.startsWith('{') === true) await new End(JSON.parse(argument) as SoakStart).run()
