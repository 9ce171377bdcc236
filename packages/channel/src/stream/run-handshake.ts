import type { GridsealError } from '@gridseal/wire'
import { asGridsealError } from '../failure.ts'
import { signAs } from '../identity/identity.ts'
import type { OwnIdentity } from '../identity/identity.ts'
import { HANDSHAKE_LIMIT } from '../handshake/machine.ts'
import type { HandshakeEffect, HandshakeInput, Session, Step } from '../handshake/machine.ts'
import { FRAME } from '../record/frame.ts'
import type { SessionStart } from '../session/session-time.ts'
import { connectionEnded } from './frame-stream.ts'
import type { FrameHandler, FrameStream } from './frame-stream.ts'

/** A handshake machine with its configuration filled in. */
export interface HandshakeRun<State> {
  readonly first: Step<State>
  readonly step: (state: State, input: HandshakeInput) => Step<State>
  readonly identity: OwnIdentity
  /** Looks a pre-shared key up that this initiator has named; undefined where there is none of that name. */
  readonly findKey?: (id: Uint8Array, initiator: Uint8Array) => Promise<Uint8Array | undefined>
  /** Milliseconds for the whole handshake. */
  readonly timeout: number
  /** Milliseconds for the peer's first message. */
  readonly firstTimeout?: number
  /** Milliseconds of a clock that does not go back. */
  readonly clock: () => number
}

/** An established session with its beginning. */
export interface Begun {
  readonly session: Session
  readonly start: SessionStart
}

/**
 * Runs a handshake over a stream and holds the stream when it is established. Rejects with the exact reason once the
 * connection is closed, so that the alert has left before the caller can cut it off.
 */
export function runHandshake<State>(stream: FrameStream, run: HandshakeRun<State>): Promise<Begun> {
  return new Promise((resolve, reject) => new Runner(stream, run, resolve, reject).start())
}

/** One handshake under way: gives the machine what happens, and does what it wants. */
class Runner<State> implements FrameHandler {
  readonly #stream: FrameStream
  readonly #run: HandshakeRun<State>
  readonly #resolve: (begun: Begun) => void
  readonly #reject: (error: GridsealError) => void
  #state: State
  #timer: NodeJS.Timeout | undefined
  /** Whether the peer's first frame has come. */
  #heard = false
  #earliest = 0
  #latest = 0

  constructor(
    stream: FrameStream,
    run: HandshakeRun<State>,
    resolve: (begun: Begun) => void,
    reject: (error: GridsealError) => void,
  ) {
    this.#stream = stream
    this.#run = run
    this.#resolve = resolve
    this.#reject = reject
    this.#state = run.first.state
  }

  start(): void {
    const { timeout, firstTimeout = timeout, first } = this.#run
    const patience = Math.min(firstTimeout, timeout)
    this.#timer = setTimeout(() => this.#late(timeout - patience), patience)
    this.#stream.handle(this, HANDSHAKE_LIMIT)
    this.#perform(first.effects)
  }

  frame(frame: Uint8Array): void {
    // A hello one byte a second is no hello: the whole first frame counts, not that something comes.
    this.#heard = true
    if (frame[0] === FRAME.serverHello || frame[0] === FRAME.clientHello) {
      this.#latest = this.#run.clock()
      if (frame[0] === FRAME.clientHello) this.#earliest = this.#latest
    }
    this.#input({ kind: 'frame', frame })
  }

  ended(): void {
    void this.#stream.finish().then((reason) => {
      this.#input({ kind: 'failed', error: connectionEnded(reason, 'during the handshake'), alert: false })
    })
  }

  broken(error: GridsealError): void {
    this.#input({ kind: 'failed', error, alert: true })
  }

  /** The time for the first frame is over, and `left` ms of that for the whole handshake are not. */
  #late(left: number): void {
    if (this.#heard && left > 0) this.#timer = setTimeout(() => this.#late(0), left)
    else this.#input({ kind: 'timeout' })
  }

  #input(input: HandshakeInput): void {
    const { state, effects } = this.#run.step(this.#state, input)
    this.#state = state
    this.#perform(effects)
  }

  /** All that is sent leaves in one write. */
  #perform(effects: readonly HandshakeEffect[]): void {
    for (const effect of effects) this.#do(effect)
    this.#stream.flush()
  }

  #do(effect: HandshakeEffect): void {
    switch (effect.kind) {
      case 'send':
        if (effect.frame[0] === FRAME.clientHello) this.#earliest = this.#run.clock()
        this.#stream.gather(effect.frame)
        return
      case 'sign':
        return this.#sign(effect.message)
      case 'find-key':
        return this.#find(effect.id, effect.initiator)
      case 'frame-limit':
        return this.#stream.allow(effect.bytes)
      case 'wipe':
        for (const secret of effect.secrets) secret.fill(0)
        return
      case 'established':
        clearTimeout(this.#timer)
        this.#stream.hold()
        return this.#resolve({
          session: effect.session,
          start: { earliest: this.#earliest, latest: this.#latest },
        })
      case 'fail':
        clearTimeout(this.#timer)
        void this.#stream.finish().then(() => this.#reject(effect.error))
    }
  }

  #sign(message: Uint8Array): void {
    signAs(this.#run.identity, message).then(
      (signature) => this.#input({ kind: 'signed', signature }),
      (error) => this.#failed(error),
    )
  }

  #find(id: Uint8Array, initiator: Uint8Array): void {
    const { findKey } = this.#run
    const found = findKey === undefined ? Promise.resolve(undefined) : findKey(id, initiator)
    found.then(
      (key) => this.#input({ kind: 'key-found', key }),
      (error) => this.#failed(error),
    )
  }

  #failed(error: unknown): void {
    this.#input({ kind: 'failed', error: asGridsealError(error), alert: true })
  }
}
