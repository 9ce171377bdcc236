import { toHex } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import { randomBytes } from '@gridseal/pqc'
import type { SigningKey } from '@gridseal/pqc'
import { CookieJar } from '#src/handshake/cookie.ts'
import { startInitiator, stepInitiator } from '#src/handshake/initiator.ts'
import type { InitiatorConfig, InitiatorState } from '#src/handshake/initiator.ts'
import { encapsulateFrom, encapsulateTo } from '#src/handshake/kem.ts'
import type { Finished, HandshakeEffect, HandshakeInput, Session, Step } from '#src/handshake/machine.ts'
import { startResponder, stepResponder } from '#src/handshake/responder.ts'
import type { ResponderConfig, ResponderState } from '#src/handshake/responder.ts'
import { DEFAULT_SUITE } from '#src/handshake/suites.ts'
import type { StaticKey } from '#src/identity/static-key.ts'
import { FIELD, HEAD, OTHER, pinned } from './identities.ts'

/** The only alert that a failing handshake may send. */
export const HANDSHAKE_ALERT = '7f0000000101'

export function initiatorConfig(changes: Partial<InitiatorConfig> = {}): InitiatorConfig {
  return {
    identity: FIELD.publicKey,
    peer: HEAD.publicKey,
    maxMessage: 1_000_000,
    random: randomBytes,
    suites: [DEFAULT_SUITE],
    ordering: 'strict',
    ...changes,
  }
}

export function responderConfig(changes: Partial<ResponderConfig> = {}): ResponderConfig {
  return {
    identity: HEAD.publicKey,
    peers: pinned(FIELD, OTHER),
    maxMessage: 2_000_000,
    random: randomBytes,
    encapsulate: encapsulateTo,
    suites: [DEFAULT_SUITE],
    ordering: 'strict',
    sharedKeys: false,
    cookies: new CookieJar(),
    demandCookie: () => false,
    mayCompute: () => true,
    address: new TextEncoder().encode('10.0.0.1'),
    ticketLife: 86_400_000,
    now: () => 1_790_000_000_000,
    monotonic: () => 5_000,
    ...changes,
  }
}

/** A machine with the key it signs with, as the runner drives it, and all that it did. */
export class Party<State> {
  state: State | Finished
  readonly sent: Uint8Array[] = []
  readonly effects: HandshakeEffect[] = []
  signature: Uint8Array = new Uint8Array(0)
  /** Pre-shared keys by the hex of their names. */
  keys: ReadonlyMap<string, Uint8Array> = new Map()
  readonly #step: (state: State | Finished, input: HandshakeInput) => Step<State | Finished>
  readonly #key: Pick<SigningKey, 'signSync'> | undefined

  /** Without a key its wish to sign is not answered. */
  constructor(
    first: Step<State | Finished>,
    step: (state: State | Finished, input: HandshakeInput) => Step<State | Finished>,
    key: Pick<SigningKey, 'signSync'> | undefined,
  ) {
    this.state = first.state
    this.#step = step
    this.#key = key
    this.#perform(first.effects)
  }

  /** Takes one input and does what the machine wants; returns the frames that it sends. */
  input(input: HandshakeInput): Uint8Array[] {
    const before = this.sent.length
    const { state, effects } = this.#step(this.state, input)
    this.state = state
    this.#perform(effects)
    return this.sent.slice(before)
  }

  frame(frame: Uint8Array): Uint8Array[] {
    return this.input({ kind: 'frame', frame })
  }

  #perform(effects: readonly HandshakeEffect[]): void {
    for (const effect of effects) {
      this.effects.push(effect)
      if (effect.kind === 'send') this.sent.push(effect.frame)
      if (effect.kind === 'find-key') this.input({ kind: 'key-found', key: this.keys.get(toHex(effect.id)) })
      if (effect.kind === 'sign' && this.#key !== undefined) {
        this.signature = this.#key.signSync(effect.message)
        this.input({ kind: 'signed', signature: this.signature })
      }
    }
  }

  get session(): Session | undefined {
    return this.effects.find((effect) => effect.kind === 'established')?.session
  }

  get error(): GridsealError | undefined {
    return this.effects.find((effect) => effect.kind === 'fail')?.error
  }

  get signed(): number {
    return this.effects.filter(({ kind }) => kind === 'sign').length
  }

  /** Another party in the same state, which goes its own way; perhaps one that never gets to sign. */
  fork(signs = true): Party<State> {
    return new Party({ state: this.state, effects: [] }, this.#step, signs ? this.#key : undefined)
  }
}

export function initiator(
  changes: Partial<InitiatorConfig> = {},
  key: Pick<SigningKey, 'signSync'> = FIELD,
): Party<InitiatorState> {
  const config = initiatorConfig(changes)
  return new Party(startInitiator(config), (state, input) => stepInitiator(config, state, input), key)
}

export function responder(
  changes: Partial<ResponderConfig> = {},
  key: Pick<SigningKey, 'signSync'> = HEAD,
): Party<ResponderState> {
  const config = responderConfig(changes)
  return new Party(startResponder(), (state, input) => stepResponder(config, state, input), key)
}

/** The frames of a whole handshake in order, with both parties as they were before each. */
export interface Recorded {
  readonly initiator: Party<InitiatorState>
  readonly responder: Party<ResponderState>
  readonly steps: readonly Recording[]
}

export interface Recording {
  readonly name: string
  readonly from: 'initiator' | 'responder'
  readonly frame: Uint8Array
  /** Whoever receives the frame, just before it does. */
  readonly before: Party<InitiatorState> | Party<ResponderState>
}

const NAMES = ['ClientHello', 'ServerHello', "responder's auth", "initiator's auth", "responder's confirm"]

/** Runs a handshake without disturbance. */
export function record(i: Party<InitiatorState> = initiator(), r: Party<ResponderState> = responder()): Recorded {
  const steps: Recording[] = []
  let flight: { from: 'initiator' | 'responder'; frames: Uint8Array[] } = { from: 'initiator', frames: i.sent.slice() }
  while (flight.frames.length > 0) {
    const { from, frames } = flight
    const receiver: Party<InitiatorState> | Party<ResponderState> = from === 'initiator' ? r : i
    const answers: Uint8Array[] = []
    for (const frame of frames) {
      steps.push({ name: NAMES[steps.length] ?? 'alert', from, frame, before: receiver.fork() })
      answers.push(...receiver.frame(frame))
    }
    flight = { from: from === 'initiator' ? 'responder' : 'initiator', frames: answers }
  }
  return { initiator: i, responder: r, steps }
}

/** A handshake in which nobody signs: both identities are static keys. */
export function staticHandshake({ field, head }: Readonly<Record<'field' | 'head', StaticKey>>): Recorded {
  return record(
    initiator({ identity: field.publicKey, staticKey: field, peer: head.publicKey }),
    responder({ identity: head.publicKey, staticKey: head, peers: () => field.publicKey }),
  )
}

/** A source of "randomness" that hands out these values in this order and nothing else. */
export function scripted(...values: readonly Uint8Array[]): (count: number) => Uint8Array {
  const left = values.map((value) => value.slice())
  return (count) => {
    const next = left.shift()
    if (next === undefined || next.length !== count) throw new RangeError(`no ${count} scripted bytes are next`)
    return next
  }
}

/** Encapsulation with scripted randomness. */
export { encapsulateFrom as scriptedEncapsulation }
