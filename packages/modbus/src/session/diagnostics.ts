import type { AsciiLine } from '../codec/adu.ts'

/** What a server has seen on its line, whoever was addressed. */
export interface BusCounters {
  messages: number
  /** Frames with a wrong check sum. */
  errors: number
}

/** The line of a server, which its units share. */
export interface Bus extends BusCounters {
  readonly ascii: AsciiLine
}

/** Sub-functions of function 8 (6.8.1) that a device of ours carries out. */
export const RETURN_QUERY_DATA = 0x00
export const RESTART = 0x01
const DIAGNOSTIC_REGISTER = 0x02
export const CHANGE_DELIMITER = 0x03
export const LISTEN_ONLY = 0x04
const CLEAR_COUNTERS = 0x0a
const BUS_MESSAGES = 0x0b
const BUS_ERRORS = 0x0c
const EXCEPTIONS_SENT = 0x0d
const SERVER_MESSAGES = 0x0e
const NO_RESPONSES = 0x0f
const NAKS = 0x10
const BUSYS = 0x11
const OVERRUNS = 0x12
const CLEAR_OVERRUN = 0x14

const EVENTS = 64
/** Events of function 12 (6.10): receive and send events have flags besides. */
const RECEIVED = 0x80
const RECEIVED_LISTENING = 0x20
const RECEIVED_BROADCAST = 0x40
const SENT = 0x40
const EVENT_RESTARTED = 0x00
const EVENT_LISTENING = 0x04
/** Flag of a send event by exception code: refused, failed, busy, NAK. */
const SENT_FLAGS: readonly number[] = [0, 1, 1, 1, 2, 4, 4, 8]

/** The counters, the event log and the mode that functions 8, 11 and 12 speak of; one for each unit. Counts have 16 bits. */
export class UnitDiagnostics {
  /** Neither answers nor carries out anything but a restart. */
  listening = false
  /** Requests carried out well, but for those that only ask for this count (function 11). */
  eventCount = 0
  readonly #bus: Bus
  readonly #events = new Uint8Array(EVENTS)
  #newest = 0
  #logged = 0
  /** Where the bus stood when the counters were cleared. */
  #busBefore: BusCounters = { messages: 0, errors: 0 }
  #messages = 0
  #exceptions = 0
  #unanswered = 0
  #naks = 0
  #busys = 0

  constructor(bus: Bus) {
    this.#bus = bus
    this.clear()
  }

  /** A request for this unit has come. */
  received(broadcast: boolean): void {
    this.#messages++
    this.#log(RECEIVED | (this.listening ? RECEIVED_LISTENING : 0) | (broadcast ? RECEIVED_BROADCAST : 0))
  }

  /** It has been dealt with: well (0) or with an exception. `counts` as {@link eventCount} says. */
  completed(exception: number, counts: boolean): void {
    this.#log(SENT | (SENT_FLAGS[exception] ?? 0))
    if (exception === 0) {
      if (counts) this.eventCount = (this.eventCount + 1) & 0xffff
      return
    }
    this.#exceptions++
    if (exception === 7) this.#naks++
    if (exception === 5 || exception === 6) this.#busys++
  }

  /** It was left without an answer. */
  silent(): void {
    this.#unanswered++
  }

  /** Clears counters and diagnostic register (sub-function 0A). */
  clear(): void {
    this.#busBefore = { ...this.#bus }
    this.#messages = this.#exceptions = this.#unanswered = this.#naks = this.#busys = 0
    this.eventCount = 0
  }

  /** Sub-function 01: answers again; `clearLog` empties the event log, too. */
  restart(clearLog: boolean): void {
    this.listening = false
    this.clear()
    if (clearLog) this.#logged = 0
    this.#log(EVENT_RESTARTED)
  }

  /** Sub-function 04. */
  listen(): void {
    this.listening = true
    this.#log(EVENT_LISTENING)
  }

  /** Sub-function 03: for the messages to come. */
  changeDelimiter(character: number): void {
    this.#bus.ascii.delimiter = character
  }

  /** The two bytes that a sub-function answers; undefined for one that is not carried out. */
  answer(subFunction: number, data: Uint8Array): Uint8Array | undefined {
    switch (subFunction) {
      case RETURN_QUERY_DATA:
      case RESTART:
      case CHANGE_DELIMITER:
      case LISTEN_ONLY:
        return data
      case CLEAR_COUNTERS:
      case CLEAR_OVERRUN:
        if (subFunction === CLEAR_COUNTERS) this.clear()
        return data
      case DIAGNOSTIC_REGISTER:
      case OVERRUNS:
        return word(0)
      case BUS_MESSAGES:
        return word(this.#bus.messages - this.#busBefore.messages)
      case BUS_ERRORS:
        return word(this.#bus.errors - this.#busBefore.errors)
      case EXCEPTIONS_SENT:
        return word(this.#exceptions)
      case SERVER_MESSAGES:
        return word(this.#messages)
      case NO_RESPONSES:
        return word(this.#unanswered)
      case NAKS:
        return word(this.#naks)
      case BUSYS:
        return word(this.#busys)
      default:
        return undefined
    }
  }

  /** Function 12: messages so far and the events, the newest first. */
  get log(): { readonly messageCount: number; readonly events: Uint8Array } {
    const events = Uint8Array.from(
      { length: this.#logged },
      (_, age) => this.#events[(this.#newest - age) & (EVENTS - 1)]!,
    )
    return { messageCount: this.#messages & 0xffff, events }
  }

  #log(event: number): void {
    this.#newest = (this.#newest + 1) & (EVENTS - 1)
    this.#events[this.#newest] = event
    if (this.#logged < EVENTS) this.#logged++
  }
}

/** Whether a device of ours carries a sub-function out. */
export function isDiagnostic(subFunction: number): boolean {
  return SUPPORTED.has(subFunction)
}

const SUPPORTED: ReadonlySet<number> = new Set([
  RETURN_QUERY_DATA,
  RESTART,
  DIAGNOSTIC_REGISTER,
  CHANGE_DELIMITER,
  LISTEN_ONLY,
  CLEAR_COUNTERS,
  BUS_MESSAGES,
  BUS_ERRORS,
  EXCEPTIONS_SENT,
  SERVER_MESSAGES,
  NO_RESPONSES,
  NAKS,
  BUSYS,
  OVERRUNS,
  CLEAR_OVERRUN,
])

/**
 * Whether the two bytes of sub-function 03 name a character that can end a frame: the first is the character, seven bits
 * and none that a frame is made of; the second is 0.
 */
export function isDelimiter(value: number): boolean {
  const character = value >> 8
  return (value & 0xff) === 0 && character < 0x80 && !/[0-9A-Fa-f:\r]/.test(String.fromCharCode(character))
}

function word(value: number): Uint8Array {
  return Uint8Array.of((value >> 8) & 0xff, value & 0xff)
}
