import { DecodeError } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import { FRAME, FRAME_HEADER, encodeFrame, readU32 } from '../record/frame.ts'
import { HANDSHAKE_LIMIT } from '../handshake/machine.ts'
import type { HandshakeEffect, HandshakeInput, Session, Step } from '../handshake/machine.ts'
import type { SessionStart } from '../session/session-time.ts'
import { FRAGMENT_OVERHEAD, encodeFragment, encodePlainAlert } from './packet.ts'
import type { Fragment } from './packet.ts'
import { MIN_FRAGMENT, Reassembly, fragmentsOf } from './fragments.ts'

/*
 * A handshake machine over packets that get lost. Messages are numbered per direction and cut into fragments; those
 * that one end sends between two of the other's are a flight. The initiator sends its flight again by time; the
 * responder sends its own again when it sees a fragment of a message that it has already taken, so it never sends to
 * anybody who does not ask.
 */

/** When a flight is sent again: first after `first` ms, then after twice as long each time, at most after `most`. */
export interface Backoff {
  readonly first: number
  readonly most: number
}

export interface ExchangeOptions<State> {
  readonly first: Step<State>
  readonly step: (state: State, input: HandshakeInput) => Step<State>
  /** Whether this end sends its flights again by time: the initiator does. */
  readonly drives: boolean
  readonly backoff: Backoff
  /** Largest packet in bytes. */
  readonly mtu: number
  /** Own connection id. */
  readonly local: number
  /** The peer's connection id; 0 where it is not known yet. */
  readonly remote: number
}

/** What a handshake wants done, in order. */
export type ExchangeEffect =
  | { readonly kind: 'packet'; readonly packet: Uint8Array }
  | Extract<HandshakeEffect, { kind: 'sign' | 'find-key' | 'wipe' }>
  | { readonly kind: 'established'; readonly session: Session; readonly start: SessionStart }
  | { readonly kind: 'fail'; readonly error: GridsealError }

/** What an exchange counts. */
export interface ExchangeCounters {
  /** Flights sent again, by time or on request. */
  retransmitted: number
  /** Fragments that came again. */
  duplicates: number
  /** Fragments that fit no message: out of order, overlapping, too long. */
  refused: number
}

interface Message {
  readonly number: number
  readonly frame: Uint8Array
}

/** Messages of the peer that are gathered at a time: the next one and the one behind it, as they share a flight. */
const AHEAD = 2
/** Tokens taken in one handshake; more are none of an honest responder's. */
const MAX_TOKENS = 4
const MAX_NUMBER = 255
const NOTHING = new Uint8Array(0)

/** One end of a handshake over packets: no I/O, no timers; `now` is ms of a clock that does not go back. */
export class HandshakeExchange<State> {
  readonly counters: ExchangeCounters = { retransmitted: 0, duplicates: 0, refused: 0 }
  readonly #options: ExchangeOptions<State>
  #state: State
  #remote: number
  #token: Uint8Array = NOTHING
  #tokens = 0
  #tokenAt: number = Number.NEGATIVE_INFINITY
  #flight: Message[] = []
  /** A message of the peer has been taken since the flight was sent: what is sent next begins another. */
  #turn = false
  #sent = 0
  #taken = 0
  readonly #gathering: Map<number, Reassembly> = new Map()
  #wait: number
  #wake: number = Number.POSITIVE_INFINITY
  #sentAt = Number.NEGATIVE_INFINITY
  /** Longest body that the machine takes now. */
  #limit: number = HANDSHAKE_LIMIT
  #over = false
  #earliest = 0
  #latest = 0

  constructor(options: ExchangeOptions<State>) {
    this.#options = options
    this.#state = options.first.state
    this.#remote = options.remote
    this.#wait = options.backoff.first
  }

  /** The peer's connection id; 0 while it is not known. */
  get remote(): number {
    return this.#remote
  }

  /** Whether any message of the peer was whole. */
  get heard(): boolean {
    return this.#taken > 0
  }

  /** When {@link tick} wants to be called. */
  get wake(): number {
    return this.#wake
  }

  /** The first effects. */
  begin(now: number): ExchangeEffect[] {
    return this.#perform(this.#options.first.effects, now)
  }

  /** A fragment for this end's connection id came; the token has been dealt with. */
  fragment(fragment: Fragment, now: number): ExchangeEffect[] {
    const { number, sender } = fragment
    if (sender === 0 || (this.#remote !== 0 && sender !== this.#remote)) return this.#refuse()
    if (number < this.#taken) return this.#again(now)
    if (this.#over || number >= this.#taken + AHEAD) return this.#refuse()
    const gathering = this.#gathering.get(number) ?? new Reassembly(this.#limit + FRAME_HEADER)
    const outcome = gathering.add(fragment.total, fragment.offset, fragment.bytes)
    if (outcome === 'refused') return this.#refuse()
    this.#gathering.set(number, gathering)
    this.#remote = sender
    if (outcome === 'duplicate') this.counters.duplicates++
    return outcome === 'complete' ? this.#deliver(now) : []
  }

  /** The responder wants to see a token before it looks at anything. */
  retry(token: Uint8Array, now: number): ExchangeEffect[] {
    if (this.#over || this.heard || !this.#options.drives) return this.#refuse()
    // Anybody may have sent it: beside a long one in a short packet no fragment has room that would be taken.
    if (token.length > this.#options.mtu - FRAGMENT_OVERHEAD - MIN_FRAGMENT) return this.#refuse()
    // The answer to a packet that was doubled on the way.
    if (now - this.#tokenAt < this.#options.backoff.first / 2) return []
    if (++this.#tokens > MAX_TOKENS) return this.#refuse()
    this.#tokenAt = now
    this.#token = Uint8Array.from(token)
    return this.#send(now)
  }

  /** An alert came in the clear. */
  alert(code: number, now: number): ExchangeEffect[] {
    return this.input({ kind: 'frame', frame: encodeFrame(FRAME.alert, Uint8Array.of(code)) }, now)
  }

  /** A signature, a key, or the end of the time. */
  input(input: HandshakeInput, now: number): ExchangeEffect[] {
    if (this.#over) return []
    const { state, effects } = this.#options.step(this.#state, input)
    this.#state = state
    return this.#perform(effects, now)
  }

  /** Sends the flight again if it is time. */
  tick(now: number): ExchangeEffect[] {
    if (now < this.#wake || this.#over) return []
    this.counters.retransmitted++
    this.#wait = Math.min(this.#wait * 2, this.#options.backoff.most)
    return this.#send(now)
  }

  #refuse(): [] {
    this.counters.refused++
    return []
  }

  /** The peer has not got our flight: it repeats what came before. One answer for all fragments of its flight. */
  #again(now: number): ExchangeEffect[] {
    this.counters.duplicates++
    if (this.#options.drives || this.#flight.length === 0) return []
    if (now - this.#sentAt < this.#options.backoff.first / 2) return []
    this.counters.retransmitted++
    return this.#send(now)
  }

  /** Hands whole messages to the machine, in order. */
  #deliver(now: number): ExchangeEffect[] {
    const effects: ExchangeEffect[] = []
    for (let next = this.#whole(); next !== undefined && !this.#over; next = this.#whole()) {
      this.#gathering.delete(this.#taken)
      this.#taken++
      this.#turn = true
      const type = next[0]
      if (type === FRAME.clientHello || type === FRAME.serverHello) this.#latest = now
      if (type === FRAME.clientHello) this.#earliest = now
      effects.push(...this.input(whole(next), now))
    }
    return effects
  }

  #whole(): Uint8Array | undefined {
    const message = this.#gathering.get(this.#taken)
    return message?.complete === true ? message.message : undefined
  }

  #perform(effects: readonly HandshakeEffect[], now: number): ExchangeEffect[] {
    const done: ExchangeEffect[] = []
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          done.push(...this.#message(effect.frame, now))
          break
        case 'frame-limit':
          this.#limit = effect.bytes
          break
        case 'established':
          this.#finish()
          done.push({ ...effect, start: { earliest: this.#earliest, latest: this.#latest } })
          break
        case 'fail':
          this.#finish()
          done.push(effect)
          break
        default:
          done.push(effect)
      }
    }
    return done
  }

  /** An alert goes at once and once; what goes into the transcript is numbered and sent until it has arrived. */
  #message(frame: Uint8Array, now: number): ExchangeEffect[] {
    if (frame[0] === FRAME.alert) {
      const packet = encodePlainAlert(this.#remote, this.#options.local, frame[FRAME_HEADER] ?? 0)
      return this.#remote === 0 ? [] : [{ kind: 'packet', packet }]
    }
    if (frame[0] === FRAME.clientHello) this.#earliest = now
    if (this.#turn) this.#flight = []
    this.#turn = false
    const message = { number: this.#sent++ & MAX_NUMBER, frame }
    this.#flight.push(message)
    this.#wait = this.#options.backoff.first
    this.#arm(now)
    return this.#packets(message)
  }

  #send(now: number): ExchangeEffect[] {
    this.#arm(now)
    return this.#flight.flatMap((message) => this.#packets(message))
  }

  #arm(now: number): void {
    this.#sentAt = now
    if (this.#options.drives && !this.#over) this.#wake = now + this.#wait
  }

  #packets({ number, frame }: Message): ExchangeEffect[] {
    const { mtu, local } = this.#options
    const token = this.#remote === 0 ? this.#token : NOTHING
    const pieces = fragmentsOf(frame, mtu - FRAGMENT_OVERHEAD - this.#token.length)
    // Without a token the first fragment gets one, and the others would be thrown away.
    const few = this.#remote === 0 && token.length === 0 ? pieces.slice(0, 1) : pieces
    return few.map((piece) => {
      const packet = encodeFragment({
        receiver: this.#remote,
        sender: local,
        number,
        total: frame.length,
        token,
        ...piece,
      })
      return { kind: 'packet', packet }
    })
  }

  #finish(): void {
    this.#over = true
    this.#wake = Number.POSITIVE_INFINITY
    this.#gathering.clear()
  }
}

/** A message as the frame that it says it is. */
function whole(frame: Uint8Array): HandshakeInput {
  if (frame.length >= FRAME_HEADER && readU32(frame, 1) === frame.length - FRAME_HEADER) return { kind: 'frame', frame }
  const error = new DecodeError('channel.frame.length', 1, 'length', 'the message is not as long as it says')
  return { kind: 'failed', error, alert: true }
}
