import { asGridsealError } from '../failure.ts'
import { signAs } from '../identity/identity.ts'
import type { OwnIdentity } from '../identity/identity.ts'
import { HANDSHAKE_LIMIT } from '../handshake/machine.ts'
import type { HandshakeEffect, HandshakeInput, Session, Step } from '../handshake/machine.ts'
import { FRAME } from '../record/frame.ts'
import type { SessionStart } from '../session/session-time.ts'
import { connectionEnded } from './frame-stream.ts'
import type { FrameStream } from './frame-stream.ts'

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
  const { identity, timeout, step, findKey, clock, firstTimeout = timeout } = run
  return new Promise((resolve, reject) => {
    let { state } = run.first
    const end = (): void => input({ kind: 'timeout' })
    const timer = setTimeout(end, timeout)
    // A hello one byte a second is no hello: the whole first frame counts, not that something comes.
    const firstTimer = setTimeout(end, firstTimeout)

    let earliest = 0
    let latest = 0

    function input(what: HandshakeInput): void {
      if (what.kind === 'frame') clearTimeout(firstTimer)
      if (what.kind === 'frame' && (what.frame[0] === FRAME.serverHello || what.frame[0] === FRAME.clientHello)) {
        latest = clock()
        if (what.frame[0] === FRAME.clientHello) earliest = latest
      }
      const next = step(state, what)
      state = next.state
      next.effects.forEach(perform)
    }

    function perform(effect: HandshakeEffect): void {
      switch (effect.kind) {
        case 'send':
          if (effect.frame[0] === FRAME.clientHello) earliest = clock()
          stream.write(effect.frame)
          return
        case 'sign':
          sign(effect.message)
          return
        case 'find-key':
          find(effect.id, effect.initiator)
          return
        case 'frame-limit':
          stream.allow(effect.bytes)
          return
        case 'wipe':
          for (const secret of effect.secrets) secret.fill(0)
          return
        case 'established':
          clearTimeout(timer)
          clearTimeout(firstTimer)
          stream.hold()
          resolve({ session: effect.session, start: { earliest, latest } })
          return
        case 'fail':
          clearTimeout(timer)
          clearTimeout(firstTimer)
          void stream.finish().then(() => reject(effect.error))
          return
      }
    }

    const failed = (error: unknown): void => input({ kind: 'failed', error: asGridsealError(error), alert: true })

    function sign(message: Uint8Array): void {
      signAs(identity, message).then((signature) => input({ kind: 'signed', signature }), failed)
    }

    function find(id: Uint8Array, initiator: Uint8Array): void {
      const found = findKey === undefined ? Promise.resolve(undefined) : findKey(id, initiator)
      found.then((key) => input({ kind: 'key-found', key }), failed)
    }

    stream.handle(
      {
        frame: (frame) => input({ kind: 'frame', frame }),
        ended: () => {
          void stream.finish().then((reason) => {
            input({ kind: 'failed', error: connectionEnded(reason, 'during the handshake'), alert: false })
          })
        },
        broken: (error) => input({ kind: 'failed', error, alert: true }),
      },
      HANDSHAKE_LIMIT,
    )
    run.first.effects.forEach(perform)
  })
}
