import { connect, parseEndpoint, ReconnectingLink } from '@gridseal/transport'
import type { BackoffOptions, CloseReason, Connection, Medium } from '@gridseal/transport'
import { ProtocolError, UsageError } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import type { Observable } from 'rxjs'
import { NEVER } from 'rxjs'
import type { Framing } from '../codec/adu.ts'
import { ADU_CODECS, asciiCodec, newAsciiLine } from '../codec/adu.ts'
import { packBits, unpackBits } from '../codec/bits.ts'
import type { ReadBitsResponse, ReadWordsResponse, Request } from '../codec/pdu.ts'
import { createFramer } from '../framing/framer.ts'
import type { Priority } from '../session/call.ts'
import { Call, PRIORITIES } from '../session/call.ts'
import { CHANGE_DELIMITER } from '../session/diagnostics.ts'
import type { Answer } from '../session/exchange.ts'
import { Exchange } from '../session/exchange.ts'
import type { ClientCounters } from '../session/line-session.ts'
import { LineSession } from '../session/line-session.ts'
import type { SessionOptions } from '../session/session-options.ts'
import { SESSION_OPTIONS, settleSession } from '../session/session-options.ts'
import { Alarm } from './alarm.ts'
import { timingOf, usualFraming } from './line.ts'
import { knownOptions } from './options.ts'

export interface ClientOptions extends SessionOptions {
  /** `tcp` (MBAP) is usual on TCP, `rtu` on a serial line; `rtu` on a `tcp://` URL is RTU over TCP. */
  readonly framing?: Framing
}

export interface OpenOptions extends ClientOptions {
  /** Milliseconds for one attempt to connect. Default 10000. */
  readonly connectTimeout?: number
  /** Pauses between attempts to connect. */
  readonly reconnect?: BackoffOptions
}

export interface RequestOptions {
  /** Milliseconds from the call to the answer. Default: the client's. */
  readonly timeout?: number
  /** Default `normal`. */
  readonly priority?: Priority
  /** Times that it may be sent again: what only reads after a wait in vain, anything after "busy". */
  readonly retries?: number
  /** Send it also to a unit that counts as dead. */
  readonly force?: boolean
  /** Gives the request up. */
  readonly signal?: AbortSignal
}

const NO_OPTIONS: RequestOptions = {}
const BROADCAST = 0

/**
 * A client of one line or device: a queue by priority, a deadline for each request, pacing, retries, units that are left
 * alone while they do not answer. A request that times out fails alone; its late answer is told by the transaction id,
 * on a serial line the next request waits until the line is quiet.
 *
 * {@link connect} has one connection and ends with it; {@link open} connects again whenever the connection is gone.
 *
 * Rejections are {@link ProtocolError}s: `modbus.exception` (details: `exception`), `modbus.client.timeout`,
 * `modbus.client.answer`, `modbus.client.closed` (details: `sent`, whether the device may have executed it),
 * `modbus.client.unit-dead` (details: `retryIn`), `modbus.client.cancelled`.
 */
export class ModbusClient {
  /** Why attempts to connect failed and connections broke. */
  readonly failures: Observable<GridsealError>
  readonly #session: LineSession
  readonly #alarm: Alarm
  readonly #framing: Framing
  readonly #timeout: number
  readonly #maxQueued: number
  readonly #retries: number
  readonly #link: ReconnectingLink | undefined
  #connection: Connection | undefined
  #closed: ProtocolError | undefined
  /** What ends the frames of an ASCII line. */
  readonly #ascii = newAsciiLine()
  #gathered: Uint8Array[] = []

  /** On a connection that is open. */
  constructor(connection: Connection, options?: ClientOptions)
  /** On a link that the client starts and stops. */
  constructor(link: ReconnectingLink, options: ClientOptions, line: { readonly medium: Medium; readonly local: string })
  constructor(
    source: Connection | ReconnectingLink,
    options: ClientOptions = {},
    line = source as { readonly medium: Medium; readonly local: string },
  ) {
    knownOptions('modbus.client', options, ['framing', ...SESSION_OPTIONS])
    const comesBack = source instanceof ReconnectingLink
    const framing = options.framing ?? (line.medium === 'serial' ? 'rtu' : 'tcp')
    const timing = timingOf(line, framing)
    // Who has one connection keeps it; and a serial line is no better for being opened again.
    const giveUpAfter = options.giveUpAfter ?? (comesBack && line.medium === 'stream' ? 3 : 0)
    const settings = settleSession({ ...options, giveUpAfter }, framing, { ...timing, gap: timing.turnaround })
    this.#framing = framing
    this.#timeout = settings.timeout
    this.#maxQueued = settings.maxQueued
    this.#retries = settings.retries
    this.#session = new LineSession(
      settings,
      createFramer({ medium: line.medium, direction: 'to-master', framing }, this.#ascii),
      {
        send: settings.inFlight === 1 ? (frame) => this.#connection?.write(frame) : (frame) => this.#gather(frame),
        giveUp: (error) => this.#connection?.destroy(error),
      },
      framing === 'ascii' ? asciiCodec(this.#ascii) : ADU_CODECS[framing],
    )
    this.#alarm = new Alarm((now) => {
      this.#session.wake(now)
      return this.#session.wakeAt
    })
    if (comesBack) {
      this.#link = source
      this.failures = source.failures
      source.connections.subscribe((connection) => this.#attach(connection))
      source.start()
    } else {
      this.failures = NEVER
      this.#attach(source)
    }
  }

  /** Connects to a `tcp://` or `serial://` URL once; when the connection is gone, the client is. */
  static async connect(url: string, options: ClientOptions = {}): Promise<ModbusClient> {
    return new ModbusClient(await connect(url), { framing: usualFraming(url), ...options })
  }

  /**
   * Keeps itself connected to a URL until it is closed. Requests may be made at once and wait for the connection within
   * their deadlines; reads under way when it breaks are repeated as `retries` allows.
   */
  static open(url: string, options: OpenOptions = {}): ModbusClient {
    const { connectTimeout = 10_000, reconnect = {}, ...rest } = options
    const medium = parseEndpoint(url).kind === 'serial' ? 'serial' : 'stream'
    const link = new ReconnectingLink((signal) => connect(url, { signal, timeout: connectTimeout }), reconnect)
    return new ModbusClient(link, { framing: usualFraming(url), ...rest }, { medium, local: url })
  }

  get counters(): Readonly<ClientCounters> {
    return this.#session.counters
  }

  /** Whether it is connected now. */
  get connected(): boolean {
    return this.#connection !== undefined
  }

  /** Requests that wait, not counting those under way. */
  get queued(): number {
    return this.#session.queued
  }

  /** Whether a unit counts as dead: it is then asked only now and then. */
  isDead(unit: number): boolean {
    return this.#session.unit(unit).dead
  }

  /**
   * Sends a request when its turn comes. Throws {@link UsageError} at once for one that cannot be sent, also when
   * `maxQueued` wait already.
   */
  request(unit: number, request: Request, options: RequestOptions | number = NO_OPTIONS): Promise<Answer> {
    if (unit === BROADCAST && this.#framing !== 'tcp') {
      throw new UsageError('modbus.client.broadcast', 'nobody answers a request to address 0: use broadcast()')
    }
    return this.#submit(unit, request, typeof options === 'number' ? { timeout: options } : options) as Promise<Answer>
  }

  /** Serial: sends a write to all units at once; resolves when it is on the line. */
  async broadcast(request: Request, options: RequestOptions = NO_OPTIONS): Promise<void> {
    if (this.#framing === 'tcp') throw new UsageError('modbus.client.broadcast', 'Modbus TCP has no broadcast')
    await this.#submit(BROADCAST, request, options)
  }

  async readCoils(unit: number, address: number, quantity: number, options?: RequestOptions): Promise<boolean[]> {
    return this.#readBits(unit, { kind: 'readCoils', address, quantity }, options)
  }

  async readDiscreteInputs(
    unit: number,
    address: number,
    quantity: number,
    options?: RequestOptions,
  ): Promise<boolean[]> {
    return this.#readBits(unit, { kind: 'readDiscreteInputs', address, quantity }, options)
  }

  async readHoldingRegisters(
    unit: number,
    address: number,
    quantity: number,
    options?: RequestOptions,
  ): Promise<readonly number[]> {
    const answer = await this.request(unit, { kind: 'readHoldingRegisters', address, quantity }, options)
    return (answer as ReadWordsResponse).values
  }

  async readInputRegisters(
    unit: number,
    address: number,
    quantity: number,
    options?: RequestOptions,
  ): Promise<readonly number[]> {
    const answer = await this.request(unit, { kind: 'readInputRegisters', address, quantity }, options)
    return (answer as ReadWordsResponse).values
  }

  async writeCoil(unit: number, address: number, on: boolean, options?: RequestOptions): Promise<void> {
    await this.request(unit, { kind: 'writeSingleCoil', address, on }, options)
  }

  async writeRegister(unit: number, address: number, value: number, options?: RequestOptions): Promise<void> {
    await this.request(unit, { kind: 'writeSingleRegister', address, value }, options)
  }

  async writeCoils(unit: number, address: number, states: readonly boolean[], options?: RequestOptions): Promise<void> {
    const bits = packBits(states)
    await this.request(unit, { kind: 'writeMultipleCoils', address, quantity: states.length, bits }, options)
  }

  async writeRegisters(
    unit: number,
    address: number,
    values: readonly number[],
    options?: RequestOptions,
  ): Promise<void> {
    await this.request(unit, { kind: 'writeMultipleRegisters', address, quantity: values.length, values }, options)
  }

  /** Closes the connection; what is open or waiting is rejected. */
  async close(): Promise<void> {
    const connection = this.#connection
    if (this.#link !== undefined) {
      this.#over({ kind: 'local' })
      await this.#link.stop()
    }
    connection?.end()
    await connection?.closed
  }

  async #readBits(unit: number, request: Request & { quantity: number }, options?: RequestOptions): Promise<boolean[]> {
    const answer = await this.request(unit, request, options)
    return unpackBits((answer as ReadBitsResponse).bits, request.quantity)
  }

  #submit(unit: number, request: Request, options: RequestOptions): Promise<Answer | undefined> {
    if (!Number.isInteger(unit) || unit < 0 || unit > 255) {
      throw new UsageError('modbus.client.unit', `a unit is a number from 0 to 255, not ${unit}`, { unit })
    }
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    const session = this.#session
    if (session.queued >= this.#maxQueued) {
      throw new UsageError('modbus.client.queue', `${this.#maxQueued} requests are waiting already`)
    }
    const { timeout = this.#timeout, priority = 'normal', retries = this.#retries, force = false, signal } = options
    const exchange = new Exchange(null, unit, request)
    if (signal?.aborted === true) return Promise.reject(cancelled(exchange))
    return new Promise((resolve, reject) => {
      const now = performance.now()
      const lane = PRIORITIES.indexOf(priority)
      const call = new Call(
        exchange,
        session.unit(unit),
        { lane, deadline: now + timeout, retries, force },
        (error, answer) => {
          signal?.removeEventListener('abort', abort)
          if (error !== undefined) return reject(error)
          if (request.kind === 'diagnostics' && request.subFunction === CHANGE_DELIMITER) {
            // From now on the device's frames end otherwise.
            this.#ascii.delimiter = request.data[0]!
          }
          resolve(answer)
        },
      )
      const abort = (): void => session.cancel(call, cancelled(exchange))
      signal?.addEventListener('abort', abort)
      session.submit(call, now)
      this.#alarm.set(session.wakeAt, now)
    })
  }

  /** What is sent within one turn of the event loop leaves in one write. */
  #gather(frame: Uint8Array): void {
    if (this.#gathered.push(frame) > 1) return
    process.nextTick(() => {
      const frames = this.#gathered
      this.#gathered = []
      this.#connection?.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames))
    })
  }

  #attach(connection: Connection): void {
    this.#connection = connection
    connection.data.subscribe({
      next: (chunk) => {
        const now = performance.now()
        this.#session.received(chunk, now)
        this.#alarm.set(this.#session.wakeAt, now)
      },
      complete: () => connection.end(),
    })
    void connection.closed.then((reason) => this.#detached(reason))
    this.#session.up(performance.now())
    this.#alarm.set(this.#session.wakeAt, performance.now())
  }

  #detached(reason: CloseReason): void {
    this.#connection = undefined
    if (this.#link === undefined) this.#over(reason)
    else if (this.#closed === undefined) this.#session.down((sent) => closedError(reason, sent), performance.now())
  }

  #over(reason: CloseReason): void {
    this.#closed = closedError(reason, false)
    this.#session.end((sent) => closedError(reason, sent), performance.now())
    this.#alarm.clear()
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

function cancelled({ unit }: Exchange): ProtocolError {
  return new ProtocolError('modbus.client.cancelled', `the request to unit ${unit} was cancelled`, { unit })
}
