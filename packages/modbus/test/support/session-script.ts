import { ADU_CODECS, decodeRequest } from '@gridseal/modbus'
import type { Answer, Framing, Priority, Request, SessionOptions } from '@gridseal/modbus'
import { ProtocolError, fromHex } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import { createFramer } from '#src/framing/framer.ts'
import { Call, PRIORITIES } from '#src/session/call.ts'
import { Exchange } from '#src/session/exchange.ts'
import { LineSession } from '#src/session/line-session.ts'
import { settleSession } from '#src/session/session-options.ts'

export interface Sent {
  readonly transaction: number | null
  readonly unit: number
  readonly request: Request
}

interface AskOptions {
  readonly unit?: number
  readonly timeout?: number
  readonly priority?: Priority
  readonly retries?: number
  readonly force?: boolean
}

export const read = (address: number): Request => ({ kind: 'readHoldingRegisters', address, quantity: 1 })
export const write = (address: number): Request => ({ kind: 'writeSingleRegister', address, value: 7 })

/** A session whose time and line are in the test's hand; what becomes of request n is in `outcomes[n]`. */
export class SessionScript {
  readonly session: LineSession
  readonly sent: Sent[] = []
  readonly outcomes: (Answer | GridsealError | 'sent')[] = []
  readonly calls: Call[] = []
  readonly givenUp: ProtocolError[] = []
  now = 0
  readonly #framing: Framing
  readonly #timeout: number
  readonly #retries: number

  constructor(options: SessionOptions & { framing?: Framing } = {}) {
    const { framing = 'tcp', ...rest } = options
    const settings = settleSession(rest, framing, { silence: 20, gap: framing === 'tcp' ? 0 : 4 })
    this.#framing = framing
    this.#timeout = settings.timeout
    this.#retries = settings.retries
    const medium = framing === 'tcp' ? 'stream' : 'serial'
    this.session = new LineSession(settings, createFramer({ medium, direction: 'to-master', framing }), {
      send: (frame) => {
        const { pdu, ...adu } = ADU_CODECS[framing].decode(frame)
        this.sent.push({ ...adu, request: decodeRequest(pdu) })
      },
      giveUp: (error) => this.givenUp.push(error),
    })
    this.session.up(0)
  }

  ask(request: Request, options: AskOptions = {}): number {
    const { unit = 1, timeout = this.#timeout, priority = 'normal', retries = this.#retries, force = false } = options
    const index = this.calls.length
    const call = new Call(
      new Exchange(null, unit, request),
      this.session.unit(unit),
      { lane: PRIORITIES.indexOf(priority), deadline: this.now + timeout, retries, force },
      (error, answer) => (this.outcomes[index] = error ?? answer ?? 'sent'),
    )
    this.calls.push(call)
    this.session.submit(call, this.now)
    return index
  }

  /** The device answers the n-th frame sent (the last by default). */
  answer(pdu: string, of: Sent = this.sent.at(-1)!, unit: number = of.unit): void {
    this.bytes(ADU_CODECS[this.#framing].encode({ transaction: of.transaction, unit, pdu: fromHex(pdu) }))
  }

  bytes(chunk: Uint8Array): void {
    this.session.received(chunk, this.now)
  }

  /** Lets time pass, waking the session whenever it wants to be woken. */
  pass(milliseconds: number): void {
    const end = this.now + milliseconds
    while (this.session.wakeAt <= end) {
      this.now = Math.max(this.now, this.session.wakeAt)
      this.session.wake(this.now)
    }
    this.now = end
  }

  /** What has been sent: unit and address of each. */
  get order(): string[] {
    return this.sent.map(({ unit, request }) => `${unit}/${'address' in request ? request.address : '-'}`)
  }

  /** Code of the error of request n, or the kind of its answer. */
  outcome(index: number): string | undefined {
    const outcome = this.outcomes[index]
    if (outcome === undefined || outcome === 'sent') return outcome
    return 'code' in outcome && outcome instanceof Error ? outcome.code : (outcome as Answer).kind
  }

  details(index: number): Readonly<Record<string, unknown>> {
    return (this.outcomes[index] as GridsealError).details
  }

  down(): void {
    this.session.down((sent) => new ProtocolError('modbus.client.closed', 'gone', { sent }), this.now)
  }
}
