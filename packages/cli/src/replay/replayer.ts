import { performance } from 'node:perf_hooks'
import type { Direction, Framer, ProtocolAdapter } from '@gridseal/adapter'
import { carriedDatagrams } from '@gridseal/bridge'
import type { Connection, DatagramSocket, Listener } from '@gridseal/transport'
import { connect, listen, openDatagram } from '@gridseal/transport'
import { InternalError } from '@gridseal/wire'
import type { Subscription } from 'rxjs'
import type { Conversation } from './conversation.ts'
import { Expectation } from './expectation.ts'

/** How fast: as fast as it goes, or at a multiple of the captured pace (1 = real time). */
export type Speed = 'max' | number

export interface ReplayCounts {
  /** Frames sent into the bridges. */
  frames: number
  bytes: number
  /** Frames that came out byte for byte. */
  delivered: number
  /** Conversations in which something else came out. */
  mismatched: number
  /** Frames that did not come out. */
  lost: number
  /** Bytes that were given to the bridges. */
  sent: number
  /** Bytes among them that belong to no frame; a bridge does not send them on. */
  noise: number
}

/** Frames of one conversation under way at once. */
const WINDOW = 256
/** Nothing has arrived for so long: what is under way is lost. */
const PATIENCE_MS = 10_000
/** A replay can go on for days: only the latest samples are kept. */
const MOST_LATENCIES = 1_000_000
/** UDP loses datagrams without a word: only so many at once. */
const DATAGRAM_WINDOW = 8

/** One link of the bridges under test, with the device that the replayer plays. */
export interface ReplayLink {
  /** Where the head-end bridge listens for masters; known once it runs. */
  masterUrl: string
  /** Where the field bridge finds the device. */
  readonly deviceUrl: string
  /** Where the head-end bridge finds the master, for devices that speak first (UDP). */
  readonly peerUrl: string | undefined
  close(): Promise<void>
}

/** A device for TCP conversations. */
export class StreamLink implements ReplayLink {
  masterUrl = ''
  readonly deviceUrl: string
  readonly peerUrl: undefined
  readonly #listener: Listener
  #queue: Promise<unknown> = Promise.resolve()

  private constructor(listener: Listener) {
    this.#listener = listener
    this.deviceUrl = listener.url
  }

  static async open(): Promise<StreamLink> {
    return new StreamLink(await listen('tcp://127.0.0.1:0'))
  }

  /** Opens a connection at the head-end and returns it with its mirror at the device. One at a time, so they match. */
  pair(): Promise<{ master: Connection; device: Connection }> {
    const result = this.#queue.then(() => this.#pair())
    this.#queue = result.catch(() => undefined)
    return result
  }

  async #pair(): Promise<{ master: Connection; device: Connection }> {
    let subscription: Subscription | undefined
    let timer: NodeJS.Timeout | undefined
    try {
      const mirrored = new Promise<Connection>((resolve, reject) => {
        subscription = this.#listener.connections.subscribe(resolve)
        timer = setTimeout(
          () => reject(new InternalError('replay.pair', 'the bridge opened no connection to the device')),
          PATIENCE_MS,
        )
      })
      const master = await connect(this.masterUrl)
      return { master, device: await mirrored }
    } finally {
      clearTimeout(timer)
      subscription?.unsubscribe()
    }
  }

  close(): Promise<void> {
    return this.#listener.close()
  }
}

/** A device and a master for UDP conversations. */
export class DatagramLink implements ReplayLink {
  masterUrl = ''
  /** Where the field bridge takes the device's datagrams. */
  fieldUrl = ''
  readonly deviceUrl: string
  readonly peerUrl: string
  readonly device: DatagramSocket
  readonly master: DatagramSocket

  private constructor(device: DatagramSocket, master: DatagramSocket) {
    this.device = device
    this.master = master
    this.deviceUrl = device.url
    this.peerUrl = master.url
  }

  static async open(): Promise<DatagramLink> {
    const bind = 'udp://127.0.0.1:0'
    return new DatagramLink(await openDatagram({ bind }), await openDatagram({ bind }))
  }

  async close(): Promise<void> {
    await this.device.close()
    await this.master.close()
  }
}

/** Plays captured conversations through a running pair of bridges and checks what comes out. */
export class Replayer {
  readonly counts: ReplayCounts = { frames: 0, bytes: 0, delivered: 0, mismatched: 0, lost: 0, sent: 0, noise: 0 }
  /** Milliseconds from a frame's entry at one end to its exit at the other. */
  readonly latencies: number[] = []
  readonly #speed: Speed
  #stopped = false

  constructor(speed: Speed) {
    this.#speed = speed
  }

  get stopped(): boolean {
    return this.#stopped
  }

  /** Conversations under way end early; what they have sent is still waited for. */
  stop(): void {
    this.#stopped = true
  }

  async play(conversation: Conversation, link: ReplayLink): Promise<void> {
    if (link instanceof StreamLink) await this.#playStream(conversation, link)
    else if (link instanceof DatagramLink) await this.#playDatagrams(conversation, link)
  }

  async #playStream(conversation: Conversation, link: StreamLink): Promise<void> {
    const { master, device } = await link.pair()
    const ends: Record<Direction, Lane> = {
      'to-device': new Lane(conversation, 'to-device', (bytes) => master.write(bytes)),
      'to-master': new Lane(conversation, 'to-master', (bytes) => device.write(bytes)),
    }
    device.data.subscribe((chunk) => this.#arrived(ends['to-device'], chunk))
    master.data.subscribe((chunk) => this.#arrived(ends['to-master'], chunk))
    await this.#send(conversation, ends, WINDOW)
    master.end()
    await Promise.all([master.closed, within(device.closed, PATIENCE_MS)])
    device.destroy()
    this.#account(ends)
  }

  async #playDatagrams(conversation: Conversation, link: DatagramLink): Promise<void> {
    const { master, device, masterUrl, fieldUrl } = link
    const ends: Record<Direction, Lane> = {
      'to-device': new Lane(conversation, 'to-device', (bytes) => master.send(bytes, masterUrl)),
      'to-master': new Lane(conversation, 'to-master', (bytes) => device.send(bytes, fieldUrl)),
    }
    const subscriptions = [
      device.datagrams.subscribe(({ bytes }) => this.#arrived(ends['to-device'], bytes)),
      master.datagrams.subscribe(({ bytes }) => this.#arrived(ends['to-master'], bytes)),
    ]
    await this.#send(conversation, ends, DATAGRAM_WINDOW)
    for (const subscription of subscriptions) subscription.unsubscribe()
    this.#account(ends)
  }

  async #send(conversation: Conversation, ends: Record<Direction, Lane>, window: number): Promise<void> {
    const start = performance.now()
    const first = conversation.chunks[0]?.time ?? 0n
    let previous: Direction | undefined
    for (const chunk of conversation.chunks) {
      if (this.#stopped) break
      if (this.#speed !== 'max') {
        const due = start + Number(chunk.time - first) / 1e6 / this.#speed
        await sleepUntil(due)
      }
      // An answer must not overtake its question in a UDP exchange, and connections must be known both ways.
      const turn = conversation.medium === 'datagram' && previous !== chunk.direction
      if (!(await this.#room(ends, turn ? 0 : window - 1))) return
      previous = chunk.direction
      const lane = ends[chunk.direction]
      const sent = lane.send(chunk.bytes)
      this.counts.frames += sent.frames
      this.counts.bytes += sent.bytes
    }
    await this.#room(ends, 0)
  }

  /** Waits until at most `most` frames are under way; false if nothing arrives any more. */
  async #room(ends: Record<Direction, Lane>, most: number): Promise<boolean> {
    const lanes = [ends['to-device'], ends['to-master']]
    while (lanes.reduce((sum, lane) => sum + lane.expectation.outstanding, 0) > most) {
      if (lanes.some((lane) => lane.expectation.mismatched > 0)) return false
      const arrival = Promise.race(lanes.map((lane) => lane.expectation.arrival()))
      if (!(await within(arrival, PATIENCE_MS))) return false
    }
    return true
  }

  #arrived(lane: Lane, chunk: Uint8Array): void {
    lane.expectation.receive(chunk, performance.now(), (latency) => this.latencies.push(latency))
    if (this.latencies.length > MOST_LATENCIES) this.latencies.splice(0, MOST_LATENCIES / 2)
  }

  #account(ends: Record<Direction, Lane>): void {
    for (const lane of [ends['to-device'], ends['to-master']]) {
      this.counts.delivered += lane.deliveredFrames()
      this.counts.mismatched += lane.expectation.mismatched > 0 ? 1 : 0
      this.counts.lost += lane.frames - lane.deliveredFrames()
      this.counts.sent += lane.sent
      this.counts.noise += lane.noise
    }
  }
}

/** One direction of a conversation: what is sent into the bridge and what should come out of it. */
class Lane {
  readonly expectation = new Expectation()
  frames = 0
  sent = 0
  readonly #framer: Framer
  readonly #medium: 'stream' | 'datagram'
  readonly #write: (bytes: Uint8Array) => unknown
  /** Frames in each carried unit (a datagram may hold several). */
  readonly #perUnit: number[] = []

  constructor(conversation: Conversation, direction: Direction, write: (bytes: Uint8Array) => unknown) {
    this.#framer = framerOf(conversation.adapter, conversation.medium, direction, conversation.framing)
    this.#medium = conversation.medium
    this.#write = write
  }

  /** Sends one chunk as it was captured; returns the frames it completes and their bytes. */
  send(chunk: Uint8Array): { frames: number; bytes: number } {
    const now = performance.now()
    let frames = 0
    let bytes = 0
    const units =
      this.#medium === 'stream'
        ? this.#framer.push(chunk).map((unit) => ({ unit, frames: 1 }))
        : carriedDatagrams(this.#framer, chunk)
    for (const { unit, frames: count } of units) {
      this.expectation.expect(unit, now)
      this.#perUnit.push(count)
      frames += count
      bytes += unit.length
    }
    this.sent += chunk.length
    this.frames += frames
    this.#write(chunk)
    return { frames, bytes }
  }

  /** Bytes sent that belong to no frame, an unfinished one included. */
  get noise(): number {
    return this.#framer.discarded + this.#framer.pending
  }

  deliveredFrames(): number {
    return this.#perUnit.slice(0, this.expectation.delivered).reduce((sum, count) => sum + count, 0)
  }
}

function framerOf(
  adapter: ProtocolAdapter,
  medium: 'stream' | 'datagram',
  direction: Direction,
  framing: string | undefined,
): Framer {
  return adapter.framer({ medium, direction, ...(framing === undefined ? {} : { framing }) })
}

/** Whether `work` is done within `milliseconds`. */
async function within(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds)
  })
  const done = await Promise.race([work.then(() => true), late])
  clearTimeout(timer)
  return done
}

async function sleepUntil(due: number): Promise<void> {
  const delay = due - performance.now()
  if (delay > 1) await new Promise((resolve) => setTimeout(resolve, delay))
}
