import type { Framer } from '@gridseal/adapter'
import { ProtocolError } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import type { AduCodec } from '../codec/adu.ts'
import { ADU_CODECS } from '../codec/adu.ts'
import type { Call } from './call.ts'
import { Deadlines } from './deadlines.ts'
import { RequestQueue } from './request-queue.ts'
import type { SessionSettings } from './session-options.ts'
import { UnitState } from './unit-state.ts'

/** What a session has seen. */
export interface ClientCounters {
  /** Frames sent, repeated ones included. */
  requests: number
  answers: number
  exceptions: number
  timeouts: number
  /** Frames that answered no open request: late, or from another unit or function. */
  foreign: number
  /** Frames with a wrong check sum or header, bytes that belonged to none. */
  invalid: number
  /** Requests sent again. */
  retries: number
  /** Requests refused because their unit counts as dead. */
  refused: number
}

/** What a session asks of the world. */
export interface SessionEffects {
  send(frame: Uint8Array): void
  /** The connection leads nowhere any more: open another. */
  giveUp(error: ProtocolError): void
}

const GATEWAY_PATH = 0x0a
const GATEWAY_TARGET = 0x0b
const BUSY = 0x06
const BUSY_PAUSE = 100
/** A stream that is out of step so often is not Modbus. */
const MOST_INVALID = 3

/**
 * The life of all requests on one line or connection: who is next, what is under way, what an incoming frame answers,
 * what has taken too long, which unit is left alone for a while. Pure: time comes with each input, in milliseconds of a
 * clock that never goes back; bytes to send and verdicts leave by {@link SessionEffects} and by the calls' `settle`.
 *
 * | line      | means                                                              |
 * | --------- | ------------------------------------------------------------------ |
 * | down      | no connection; requests wait within their deadlines                |
 * | up        | requests are sent as pacing and the number under way allow         |
 * | settling  | serial: half a frame is there; nothing is sent until it falls quiet |
 */
export class LineSession {
  readonly counters: ClientCounters = {
    requests: 0,
    answers: 0,
    exceptions: 0,
    timeouts: 0,
    foreign: 0,
    invalid: 0,
    retries: 0,
    refused: 0,
  }
  readonly #settings: SessionSettings
  readonly #effects: SessionEffects
  readonly #framer: Framer
  readonly #codec: AduCodec
  readonly #hasTransactions: boolean
  readonly #queue = new RequestQueue()
  readonly #deadlines = new Deadlines<Call>()
  readonly #underWay = new Map<number, Call>()
  readonly #units = new Map<number, UnitState>()
  #up = false
  #transaction = 0
  /** The line rests until then. */
  #notBefore = Number.NEGATIVE_INFINITY
  /** Something went wrong on a line without transaction ids: what comes until it is quiet is nobody's. */
  #settling = false
  /** When the line will have been quiet for long enough to end a frame. */
  #quietAt = Number.POSITIVE_INFINITY
  /** When a request that has to wait may be sent. */
  #sendAt = Number.POSITIVE_INFINITY
  #unanswered = 0
  #invalidBefore = 0
  /** Since the line is up. */
  #invalid = 0

  constructor(
    settings: SessionSettings,
    framer: Framer,
    effects: SessionEffects,
    codec: AduCodec = ADU_CODECS[settings.framing],
  ) {
    this.#settings = settings
    this.#framer = framer
    this.#effects = effects
    this.#codec = codec
    this.#hasTransactions = settings.framing === 'tcp'
  }

  /** When {@link wake} wants to be called; infinity for never. */
  get wakeAt(): number {
    return Math.min(this.#deadlines.next, this.#sendAt, this.#quietAt)
  }

  /** Requests that wait. */
  get queued(): number {
    return this.#queue.size
  }

  /** Requests on the line. */
  get underWay(): number {
    return this.#underWay.size
  }

  /** What is known of a unit. */
  unit(id: number): UnitState {
    let unit = this.#units.get(id)
    if (unit === undefined) {
      const { units, responseTimeout } = this.#settings
      const needs = units.get(id)
      unit = new UnitState(id, needs?.gap ?? 0, needs?.responseTimeout ?? responseTimeout)
      this.#units.set(id, unit)
    }
    return unit
  }

  /** Takes a request. One for a unit that counts as dead is over at once, unless it is its turn to try. */
  submit(call: Call, now: number): void {
    if (!call.force && call.unit.refuses(now)) {
      this.#refuse(call, now)
      return
    }
    this.#deadlines.add(call)
    this.#queue.add(call)
    this.#pump(now)
  }

  /** Ends a request early. One that is on the line stays there until its answer is in or overdue; nobody hears of it. */
  cancel(call: Call, error: GridsealError): void {
    if (call.place === 'over' || call.cancelled) return
    call.cancelled = true
    if (call.place === 'queue') {
      this.#queue.remove(call)
      this.#leave(call)
    }
    call.settle(error, undefined)
  }

  /** The line is open. */
  up(now: number): void {
    this.#up = true
    this.#framer.reset()
    this.#unanswered = 0
    this.#fallen()
    this.#notBefore = now
    this.#invalidBefore = this.#framer.invalid
    this.#invalid = 0
    this.#pump(now)
  }

  /** The line is gone. What was on it is over or, if it only reads and may be repeated, waits again. */
  down(error: (sent: boolean) => GridsealError, now: number): void {
    this.#up = false
    this.#fallen()
    this.#sendAt = Number.POSITIVE_INFINITY
    for (const call of this.#underWay.values()) {
      this.#land(call, now)
      if (!call.harmless || !this.#again(call)) this.#end(call, error(true))
    }
  }

  /** Nothing will be sent any more: everything is over. */
  end(error: (sent: boolean) => GridsealError, now: number): void {
    this.down(error, now)
    for (const call of this.#queue.clear()) this.#end(call, error(call.attempts > 0))
  }

  received(chunk: Uint8Array, now: number): void {
    this.#unanswered = 0
    // Nobody was asked: a late answer, and perhaps not the end of it.
    if (!this.#hasTransactions && this.#underWay.size === 0) this.#notBefore = now + this.#settings.silence
    const frames = this.#framer.push(chunk)
    for (let i = 0; i < frames.length; i++) this.#judge(frames[i]!, now)
    if (this.#settling || (!this.#hasTransactions && this.#framer.pending > 0))
      this.#quietAt = now + this.#settings.silence
    if (this.#framer.invalid !== this.#invalidBefore) this.#noise()
    this.#pump(now)
  }

  /** Time has passed. */
  wake(now: number): void {
    if (now >= this.#quietAt) {
      this.#fallen()
      for (const frame of this.#framer.quiet()) this.#judge(frame, now)
    }
    for (let call = this.#deadlines.take(now); call !== undefined; call = this.#deadlines.take(now)) {
      this.#overdue(call, now)
    }
    this.#pump(now)
  }

  /** Sends what may be sent. */
  #pump(now: number): void {
    const { inFlight, inFlightPerUnit } = this.#settings
    this.#sendAt = Number.POSITIVE_INFINITY
    while (this.#up && !this.#settling && this.#queue.size > 0 && this.#underWay.size < inFlight) {
      if (this.#notBefore > now) {
        this.#sendAt = this.#notBefore
        return
      }
      const next = this.#queue.take(now, inFlightPerUnit)
      if (typeof next === 'number') {
        this.#sendAt = next
        return
      }
      this.#send(next, now)
    }
  }

  #send(call: Call, now: number): void {
    const { exchange, unit } = call
    let key = 0
    if (this.#hasTransactions) {
      do this.#transaction = (this.#transaction + 1) & 0xffff
      while (this.#underWay.has(this.#transaction))
      key = exchange.transaction = this.#transaction
    }
    call.place = 'line'
    if (call.attempts++ > 0) this.counters.retries++
    this.counters.requests++
    if (!this.#hasTransactions && unit.id === 0) {
      // A broadcast: nobody answers, and nobody may be asked before all have carried it out.
      this.#notBefore = now + Math.max(this.#settings.gap, this.#settings.turnaround)
      this.#effects.send(this.#codec.encode(exchange.adu))
      this.#leave(call)
      call.settle(undefined, undefined)
      return
    }
    call.due = Math.min(call.deadline, now + unit.patience)
    this.#deadlines.moved(call)
    this.#underWay.set(key, call)
    unit.inFlight++
    unit.writing = !call.harmless
    this.#effects.send(this.#codec.encode(exchange.adu))
  }

  #judge(frame: Uint8Array, now: number): void {
    const adu = this.#codec.decode(frame)
    const call = this.#underWay.get(adu.transaction ?? 0)
    const verdict = call?.exchange.judge(adu)
    if (call === undefined || verdict === undefined || verdict.kind === 'foreign') {
      this.counters.foreign++
      return
    }
    this.#land(call, now)
    if (verdict.kind === 'answer') {
      this.counters.answers++
      call.unit.alive()
      this.#leave(call)
      call.settle(undefined, verdict.response)
    } else this.#failed(call, verdict.error, now)
  }

  #failed(call: Call, error: GridsealError, now: number): void {
    const exception = error.code === 'modbus.exception' ? error.details['exception'] : undefined
    if (exception !== undefined) this.counters.exceptions++
    if (exception === GATEWAY_TARGET || exception === GATEWAY_PATH) this.#unitFailed(call.unit, now)
    else call.unit.alive()
    // Refused because it is busy, so not carried out: may be sent again, whatever it does.
    if (exception === BUSY && this.#again(call)) call.unit.notBefore = now + BUSY_PAUSE
    else this.#end(call, error)
  }

  /** A request has waited for too long, in the queue or for its answer. */
  #overdue(call: Call, now: number): void {
    this.counters.timeouts++
    const sent = call.place === 'line'
    if (sent) {
      this.#land(call, now)
      if (!this.#hasTransactions) this.#settle(call, now)
      this.#unitFailed(call.unit, now)
      const { giveUpAfter } = this.#settings
      if (++this.#unanswered === giveUpAfter && this.#up) this.#effects.giveUp(mute(giveUpAfter))
      if (now < call.deadline && !call.unit.dead && call.harmless && this.#again(call)) return
    } else if (call.place === 'queue') this.#queue.remove(call)
    this.#end(call, overdue(call, this.#up))
  }

  /** Puts a request back to the queue if it may be sent again. */
  #again(call: Call): boolean {
    if (call.retries === 0 || call.cancelled) return false
    call.retries--
    call.due = call.deadline
    if (call.heapIndex < 0) this.#deadlines.add(call)
    else this.#deadlines.moved(call)
    this.#queue.restore(call)
    return true
  }

  #unitFailed(unit: UnitState, now: number): void {
    unit.failed(now, this.#settings.backoff)
    if (!unit.dead) return
    // What waits for it would each cost the line a whole wait.
    for (let lane = 0; lane < unit.heads.length; lane++) {
      let call = unit.heads[lane]
      while (call !== undefined) {
        const { next } = call
        if (!call.force) {
          this.#queue.remove(call)
          this.#refuse(call, now)
        }
        call = next
      }
    }
  }

  #refuse(call: Call, now: number): void {
    this.counters.refused++
    const { id, retryAt } = call.unit
    const wait = Math.max(0, Math.ceil(retryAt - now))
    const message = `unit ${id} has not answered for a while and is tried again in ${wait} ms`
    this.#end(call, new ProtocolError('modbus.client.unit-dead', message, { unit: id, retryIn: wait, sent: false }))
  }

  /** A request leaves the line. */
  #land(call: Call, now: number): void {
    const { unit } = call
    this.#underWay.delete(call.exchange.transaction ?? 0)
    unit.inFlight--
    unit.writing = false
    if (unit.gap > 0) unit.notBefore = now + unit.gap
    if (this.#settings.gap > 0) this.#notBefore = now + this.#settings.gap
  }

  #leave(call: Call): void {
    call.place = 'over'
    this.#deadlines.remove(call)
  }

  #end(call: Call, error: GridsealError): void {
    this.#leave(call)
    call.settle(error, undefined)
  }

  /**
   * What a request left on a line without transaction ids must not be taken for the next answer. Half a frame: the line
   * has to fall quiet. Nothing: its unit may still answer late, so that one waits; the others are told by their address.
   */
  #settle({ unit }: Call, now: number): void {
    const quiet = now + this.#settings.silence
    if (this.#framer.pending === 0) unit.notBefore = Math.max(unit.notBefore, quiet)
    else {
      this.#settling = true
      this.#quietAt = quiet
    }
  }

  /** The line is quiet, or another. */
  #fallen(): void {
    this.#settling = false
    this.#quietAt = Number.POSITIVE_INFINITY
  }

  /** Frames with a wrong header or check sum: on a serial line noise, on a stream a peer that does not speak Modbus. */
  #noise(): void {
    const invalid = this.#framer.invalid - this.#invalidBefore
    this.counters.invalid += invalid
    this.#invalid += invalid
    this.#invalidBefore = this.#framer.invalid
    if (this.#hasTransactions && this.#invalid >= MOST_INVALID && this.#up) {
      this.#effects.giveUp(new ProtocolError('modbus.client.mbap', 'what comes is not Modbus TCP'))
    }
  }
}

function mute(requests: number): ProtocolError {
  const message = `${requests} requests in a row and not one byte came back`
  return new ProtocolError('modbus.client.mute', message, { requests })
}

function overdue(call: Call, up: boolean): ProtocolError {
  const { exchange, attempts } = call
  const why = attempts > 0 ? 'did not answer in time' : up ? 'was not asked in time' : 'cannot be reached'
  const details = { unit: exchange.unit, sent: attempts > 0 }
  return new ProtocolError('modbus.client.timeout', `unit ${exchange.unit} ${why}`, details)
}
