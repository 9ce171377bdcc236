import type { Framer } from '@gridseal/adapter'
import { connect } from '@gridseal/transport'
import type { CloseReason, Connection } from '@gridseal/transport'
import { ProtocolError, UsageError } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import type { AduCodec, Framing } from '../codec/adu.ts'
import { ADU_CODECS } from '../codec/adu.ts'
import { packBits, unpackBits } from '../codec/bits.ts'
import type { ExceptionResponse, ReadBitsResponse, ReadWordsResponse, Request, Response } from '../codec/pdu.ts'
import { createFramer } from '../framing/framer.ts'
import { Exchange } from '../session/exchange.ts'
import type { LineTiming } from './line.ts'
import { timingOf, usualFraming } from './line.ts'
import { knownOptions } from './options.ts'

/** A response that is none of the exceptions: those reject the promise. */
export type Answer = Exclude<Response, ExceptionResponse>

export interface ClientOptions {
  /** `tcp` (MBAP) is usual on TCP, `rtu` on a serial line; `rtu` on a `tcp://` URL is RTU over TCP. */
  readonly framing?: Framing
  /** Milliseconds from the call to the answer, waiting in the queue included. Default 1000. */
  readonly timeout?: number
  /** Requests that may wait. Default 256. */
  readonly maxQueued?: number
}

/** What a client has seen. */
export interface ClientCounters {
  requests: number
  answers: number
  exceptions: number
  timeouts: number
  /** Frames that answered no open request: late, or from another unit or function. */
  foreign: number
}

interface Call {
  readonly exchange: Exchange
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: GridsealError) => void
  timer: NodeJS.Timeout | undefined
  sent: boolean
}

const DEFAULT_TIMEOUT = 1000
const DEFAULT_MAX_QUEUED = 256
const BROADCAST = 0

/**
 * A client with one request in flight; more wait their turn. A request that times out fails alone: on TCP its late
 * answer is told by the transaction id, on a serial line the next request waits until the line is quiet.
 *
 * Rejections are {@link ProtocolError}s: `modbus.exception` (details: `exception`), `modbus.client.timeout`,
 * `modbus.client.answer`, `modbus.client.closed` (details: `sent`, whether the device may have executed it).
 */
export class ModbusClient {
  readonly counters: Readonly<ClientCounters>
  readonly #counters: ClientCounters
  readonly #connection: Connection
  readonly #codec: AduCodec
  readonly #framer: Framer
  readonly #framing: Framing
  readonly #timing: LineTiming
  readonly #timeout: number
  readonly #maxQueued: number
  readonly #queue: Call[] = []
  #current: Call | undefined
  #transaction = 0
  /** Runs while a serial line has to fall silent before it is used again. */
  #settling: NodeJS.Timeout | undefined
  #closed: ProtocolError | undefined

  constructor(connection: Connection, options: ClientOptions = {}) {
    knownOptions('modbus.client', options, ['framing', 'timeout', 'maxQueued'])
    const { timeout = DEFAULT_TIMEOUT, maxQueued = DEFAULT_MAX_QUEUED } = options
    if (!(timeout > 0)) throw new UsageError('modbus.client.option', 'timeout must be more than 0 ms')
    this.#framing = options.framing ?? (connection.medium === 'serial' ? 'rtu' : 'tcp')
    this.#counters = { requests: 0, answers: 0, exceptions: 0, timeouts: 0, foreign: 0 }
    this.counters = this.#counters
    this.#connection = connection
    this.#codec = ADU_CODECS[this.#framing]
    this.#framer = createFramer({ medium: connection.medium, direction: 'to-master', framing: this.#framing })
    this.#timing = timingOf(connection, this.#framing)
    this.#timeout = timeout
    this.#maxQueued = maxQueued
    connection.data.subscribe({ next: (chunk) => this.#received(chunk), complete: () => connection.end() })
    void connection.closed.then((reason) => this.#ended(reason))
  }

  /** Connects to a `tcp://` or `serial://` URL. */
  static async connect(url: string, options: ClientOptions = {}): Promise<ModbusClient> {
    return new ModbusClient(await connect(url), { framing: usualFraming(url), ...options })
  }

  /** Sends a request when its turn comes. Throws {@link UsageError} at once for one that cannot be sent. */
  request(unit: number, request: Request, timeout: number = this.#timeout): Promise<Answer> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    if (this.#queue.length >= this.#maxQueued) {
      throw new UsageError('modbus.client.queue', `${this.#maxQueued} requests are waiting already`)
    }
    if (unit === BROADCAST && this.#framing !== 'tcp') {
      throw new UsageError('modbus.client.broadcast', 'nobody answers a request to address 0')
    }
    const exchange = new Exchange(this.#nextTransaction(), unit, request)
    return new Promise<Answer>((resolve, reject) => {
      const call: Call = { exchange, resolve, reject, timer: undefined, sent: false }
      call.timer = setTimeout(() => this.#timedOut(call, timeout), timeout)
      this.#queue.push(call)
      this.#next()
    })
  }

  async readCoils(unit: number, address: number, quantity: number): Promise<boolean[]> {
    return this.#readBits(unit, { kind: 'readCoils', address, quantity })
  }

  async readDiscreteInputs(unit: number, address: number, quantity: number): Promise<boolean[]> {
    return this.#readBits(unit, { kind: 'readDiscreteInputs', address, quantity })
  }

  async readHoldingRegisters(unit: number, address: number, quantity: number): Promise<readonly number[]> {
    return this.#readWords(unit, { kind: 'readHoldingRegisters', address, quantity })
  }

  async readInputRegisters(unit: number, address: number, quantity: number): Promise<readonly number[]> {
    return this.#readWords(unit, { kind: 'readInputRegisters', address, quantity })
  }

  async writeCoil(unit: number, address: number, on: boolean): Promise<void> {
    await this.request(unit, { kind: 'writeSingleCoil', address, on })
  }

  async writeRegister(unit: number, address: number, value: number): Promise<void> {
    await this.request(unit, { kind: 'writeSingleRegister', address, value })
  }

  async writeCoils(unit: number, address: number, states: readonly boolean[]): Promise<void> {
    const bits = packBits(states)
    await this.request(unit, { kind: 'writeMultipleCoils', address, quantity: states.length, bits })
  }

  async writeRegisters(unit: number, address: number, values: readonly number[]): Promise<void> {
    await this.request(unit, { kind: 'writeMultipleRegisters', address, quantity: values.length, values })
  }

  /** Closes the connection; what is open or waiting is rejected. */
  async close(): Promise<void> {
    this.#connection.end()
    await this.#connection.closed
  }

  async #readBits(unit: number, request: Request & { quantity: number }): Promise<boolean[]> {
    const answer = await this.request(unit, request)
    return unpackBits((answer as ReadBitsResponse).bits, request.quantity)
  }

  async #readWords(unit: number, request: Request): Promise<readonly number[]> {
    const answer = await this.request(unit, request)
    return (answer as ReadWordsResponse).values
  }

  #nextTransaction(): number | null {
    if (this.#framing !== 'tcp') return null
    this.#transaction = (this.#transaction + 1) & 0xffff
    return this.#transaction
  }

  #next(): void {
    if (this.#current !== undefined || this.#settling !== undefined) return
    const call = this.#queue.shift()
    if (call === undefined) return
    this.#current = call
    call.sent = true
    this.#counters.requests++
    this.#connection.write(this.#codec.encode(call.exchange.adu))
  }

  #received(chunk: Uint8Array): void {
    this.#settling?.refresh()
    for (const frame of this.#framer.push(chunk)) this.#judge(frame)
  }

  #judge(frame: Uint8Array): void {
    const call = this.#current
    const verdict = call?.exchange.judge(this.#codec.decode(frame)) ?? { kind: 'foreign' }
    if (call === undefined || verdict.kind === 'foreign') {
      this.#counters.foreign++
      return
    }
    this.#finish(call)
    if (verdict.kind === 'answer') {
      this.#counters.answers++
      call.resolve(verdict.response)
    } else {
      if (verdict.error.code === 'modbus.exception') this.#counters.exceptions++
      call.reject(verdict.error)
    }
    this.#next()
  }

  #finish(call: Call): void {
    clearTimeout(call.timer)
    if (this.#current === call) this.#current = undefined
  }

  #timedOut(call: Call, timeout: number): void {
    this.#counters.timeouts++
    const waiting = this.#queue.indexOf(call)
    if (waiting >= 0) this.#queue.splice(waiting, 1)
    const { unit } = call.exchange.adu
    const details = { unit, sent: call.sent }
    call.reject(new ProtocolError('modbus.client.timeout', `unit ${unit} did not answer in ${timeout} ms`, details))
    if (this.#current !== call) return
    this.#finish(call)
    if (this.#framing !== 'tcp') this.#settle()
    this.#next()
  }

  /** Waits until no byte has come for a while: what is still under way must not be taken for the next answer. */
  #settle(): void {
    this.#settling = setTimeout(() => {
      this.#settling = undefined
      this.#framer.quiet()
      this.#next()
    }, this.#timing.silence)
  }

  #ended(reason: CloseReason): void {
    clearTimeout(this.#settling)
    const open = this.#current === undefined ? this.#queue : [this.#current, ...this.#queue]
    this.#closed = closedError(reason, false)
    for (const call of open.splice(0)) {
      this.#finish(call)
      call.reject(closedError(reason, call.sent))
    }
    this.#queue.length = 0
  }
}

function closedError(reason: CloseReason, sent: boolean): ProtocolError {
  const executed = sent ? '; the device may have executed the request' : ''
  return new ProtocolError(
    'modbus.client.closed',
    `the connection is closed (${reason.kind})${executed}`,
    { sent, reason: reason.kind },
    reason.error,
  )
}
