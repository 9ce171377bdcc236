import type { GridsealError } from '@gridseal/wire'
import { asGridsealError } from '../failure.ts'
import { signAs } from '../identity/identity.ts'
import type { OwnIdentity } from '../identity/identity.ts'
import type { HandshakeInput, Session } from '../handshake/machine.ts'
import type { SessionStart } from '../session/session-time.ts'
import type { ExchangeEffect, HandshakeExchange } from './exchange.ts'
import type { Fragment } from './packet.ts'

export interface ExchangeRunOptions<State> {
  readonly exchange: HandshakeExchange<State>
  readonly identity: OwnIdentity
  /** Looks a pre-shared key up that this initiator has named; undefined where there is none of that name. */
  readonly findKey?: (id: Uint8Array, initiator: Uint8Array) => Promise<Uint8Array | undefined>
  /** Milliseconds for the whole handshake, and for the peer's first message. */
  readonly timeout: number
  readonly firstTimeout?: number
  readonly clock: () => number
  readonly send: (packet: Uint8Array) => void
  readonly established: (session: Session, start: SessionStart) => void
  readonly failed: (error: GridsealError) => void
}

/** A handshake over packets with real time and real keys. */
export class ExchangeRun<State> {
  readonly #options: ExchangeRunOptions<State>
  readonly #timer: NodeJS.Timeout
  readonly #firstTimer: NodeJS.Timeout | undefined
  #wakeTimer: NodeJS.Timeout | undefined

  constructor(options: ExchangeRunOptions<State>) {
    this.#options = options
    const { timeout, firstTimeout } = options
    const end = (): void => this.input({ kind: 'timeout' })
    this.#timer = setTimeout(end, timeout)
    if (firstTimeout !== undefined) this.#firstTimer = setTimeout(end, Math.min(firstTimeout, timeout))
  }

  begin(): void {
    this.#do((exchange, now) => exchange.begin(now))
  }

  fragment(fragment: Fragment): void {
    this.#do((exchange, now) => exchange.fragment(fragment, now))
    if (this.#options.exchange.heard) clearTimeout(this.#firstTimer)
  }

  retry(token: Uint8Array): void {
    this.#do((exchange, now) => exchange.retry(token, now))
  }

  alert(code: number): void {
    this.#do((exchange, now) => exchange.alert(code, now))
  }

  input(input: HandshakeInput): void {
    this.#do((exchange, now) => exchange.input(input, now))
  }

  /** Gives the handshake up without a word. */
  stop(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#firstTimer)
    clearTimeout(this.#wakeTimer)
  }

  #do(action: (exchange: HandshakeExchange<State>, now: number) => ExchangeEffect[]): void {
    const { exchange, clock } = this.#options
    for (const effect of action(exchange, clock())) this.#perform(effect)
    clearTimeout(this.#wakeTimer)
    const { wake } = exchange
    if (wake === Number.POSITIVE_INFINITY) return
    this.#wakeTimer = setTimeout(() => this.#do((each, now) => each.tick(now)), Math.max(1, wake - clock()))
  }

  #perform(effect: ExchangeEffect): void {
    const { send, established, failed } = this.#options
    switch (effect.kind) {
      case 'packet':
        return send(effect.packet)
      case 'sign':
        return this.#sign(effect.message)
      case 'find-key':
        return this.#find(effect.id, effect.initiator)
      case 'wipe':
        for (const secret of effect.secrets) secret.fill(0)
        return
      case 'established':
        this.stop()
        return established(effect.session, effect.start)
      case 'fail':
        this.stop()
        return failed(effect.error)
    }
  }

  readonly #failed = (error: unknown): void => {
    this.input({ kind: 'failed', error: asGridsealError(error), alert: true })
  }

  #sign(message: Uint8Array): void {
    signAs(this.#options.identity, message).then((signature) => this.input({ kind: 'signed', signature }), this.#failed)
  }

  #find(id: Uint8Array, initiator: Uint8Array): void {
    const found = this.#options.findKey?.(id, initiator) ?? Promise.resolve(undefined)
    found.then((key) => this.input({ kind: 'key-found', key }), this.#failed)
  }
}
