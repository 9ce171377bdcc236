import { ProtocolError } from '@gridseal/wire'
import { asGridsealError } from '../failure.ts'
import type { Role, SessionSecrets } from '../handshake/key-schedule.ts'
import type { Session } from '../handshake/machine.ts'
import type { ChannelCounters } from '../counters.ts'
import type { ChannelEnd } from '../messages.ts'
import type { Begun } from '../stream/run-handshake.ts'
import type { ChannelMetrics } from './channel-metrics.ts'
import type { KeyLog } from './key-log.ts'
import { ATTRIBUTE, SPAN, SPAN_KIND, endWithError } from './tracing.ts'
import type { ChannelSpan, ChannelTracer } from './tracing.ts'

/** Who looks on; all of them optional. */
export interface Observers {
  readonly metrics: ChannelMetrics | undefined
  readonly tracer: ChannelTracer | undefined
  readonly keyLog: KeyLog | undefined
  /** Milliseconds of a clock that does not go back. */
  readonly clock: () => number
}

/** Runs a handshake in sight of metrics and tracer. */
export function observeHandshake(role: Role, observers: Observers, run: () => Promise<Begun>): Promise<Begun> {
  const { metrics, tracer } = observers
  return metrics === undefined && tracer === undefined ? run() : observed(role, observers, run)
}

async function observed(role: Role, { metrics, tracer, clock }: Observers, run: () => Promise<Begun>): Promise<Begun> {
  const began = clock()
  const kind = role === 'initiator' ? SPAN_KIND.client : SPAN_KIND.server
  const span = tracer?.startSpan(SPAN.handshake, { kind, attributes: { [ATTRIBUTE.role]: role } })
  try {
    const begun = await run()
    const { suite, resumed, peer } = begun.session
    metrics?.established(role, resumed, clock() - began)
    span?.setAttribute(ATTRIBUTE.suite, suite.name)
    span?.setAttribute(ATTRIBUTE.resumed, resumed)
    span?.setAttribute(ATTRIBUTE.peer, peer.fingerprintText)
    span?.end()
    return begun
  } catch (error) {
    const reason = asGridsealError(error)
    metrics?.failed(role, reason)
    endWithError(span, reason)
    throw error
  }
}

/** What is seen of one session from outside. */
export class SessionObserver {
  readonly #observers: Observers
  readonly #counters: ChannelCounters
  readonly #role: Role
  readonly #random: Uint8Array
  #rekey: ChannelSpan | undefined
  #agreements = 0

  /** Must come before the session's secrets are taken over. Throws as `KeyLog.write` does. */
  constructor({ role, random, sendSecret, receiveSecret }: Session, counters: ChannelCounters, observers: Observers) {
    this.#observers = observers
    this.#counters = counters
    this.#role = role
    this.#random = random
    if (observers.keyLog !== undefined) {
      const [initiator, responder] = role === 'initiator' ? [sendSecret, receiveSecret] : [receiveSecret, sendSecret]
      observers.keyLog.write(random, 0, { initiator, responder })
    }
    observers.metrics?.began(counters)
  }

  /** A fresh key agreement has been begun. Where both ends ask at once, one of the two requests counts. */
  rekeyAsked(asked: 'us' | 'peer'): void {
    this.#rekey?.end()
    const attributes = { [ATTRIBUTE.role]: this.#role, [ATTRIBUTE.asked]: asked }
    this.#rekey = this.#observers.tracer?.startSpan(SPAN.rekey, { kind: SPAN_KIND.internal, attributes })
  }

  /** A fresh key agreement has given these secrets, which have not been used. Throws as `KeyLog.write` does. */
  rekeyed(secrets: SessionSecrets): void {
    this.#agreements++
    this.#observers.keyLog?.write(this.#random, this.#agreements, secrets)
    this.#rekey?.end()
    this.#rekey = undefined
  }

  ended(end: ChannelEnd): void {
    this.#observers.metrics?.ended(this.#counters, end)
    if (this.#rekey === undefined) return
    const error = end.error ?? new ProtocolError('channel.ended', 'the channel ended during a rekey')
    endWithError(this.#rekey, error)
    this.#rekey = undefined
  }
}
