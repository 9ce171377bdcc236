import { AuthError, ProtocolError, UsageError, toHex } from '@gridseal/wire'
import { equalBytes } from '@gridseal/pqc'
import type { Encapsulation, VerifyingKey } from '@gridseal/pqc'
import { epochKeys } from '../record/epoch.ts'
import { FRAME } from '../record/frame.ts'
import { openRecord, sealContent } from '../record/record.ts'
import { checkAuth, makeAuth, makeConfirm } from './auth.ts'
import { decodeClientHello, encodeServerHello } from './hello.ts'
import type { ClientHello } from './hello.ts'
import { handshakeSecret, masterSecret, signatureInput, trafficSecret } from './key-schedule.ts'
import { expectFrame, expectSigned, takeInput } from './machine.ts'
import type { Finished, HandshakeInput, Keyed, Step } from './machine.ts'
import { chooseSuite } from './suites.ts'
import type { Suite } from './suites.ts'
import { EMPTY_TRANSCRIPT, extend } from './transcript.ts'

/*
 *   listening ──ClientHello──▶ signing ──signed──▶ authenticating ──auth──▶ established
 *
 * Whom the hello calls, what it offers and who sends it are checked before any randomness is drawn: a stranger costs
 * a look-up.
 */

export interface ResponderConfig {
  /** Own public key. */
  readonly identity: VerifyingKey
  /** The pinned key of a fingerprint. */
  readonly peers: (fingerprint: Uint8Array) => VerifyingKey | undefined
  /** Largest message that is accepted here, bytes. */
  readonly maxMessage: number
  readonly random: (count: number) => Uint8Array
  /** Encapsulates to an initiator's key share, as responder. */
  readonly encapsulate: (share: Uint8Array) => Encapsulation
}

export type ResponderState = { readonly at: 'listening' } | (Keyed & { readonly at: 'signing' | 'authenticating' })

type Result = Step<ResponderState | Finished>

/** A responder that has heard nothing yet. */
export function startResponder(): Result {
  return { state: { at: 'listening' }, effects: [] }
}

/** Takes one input. Never throws. */
export function stepResponder(
  config: ResponderConfig,
  state: ResponderState | Finished,
  input: HandshakeInput,
): Result {
  return takeInput(state, input, (current: ResponderState, next) => {
    switch (current.at) {
      case 'listening':
        return onClientHello(config, expectFrame(next, FRAME.clientHello, 'before the ClientHello'))
      case 'signing':
        return onSigned(current, expectSigned(next, 'before our auth'))
      case 'authenticating':
        return onAuth(current, expectFrame(next, FRAME.record, "in place of the initiator's auth"))
    }
  })
}

function onClientHello(config: ResponderConfig, frame: Uint8Array): Result {
  const hello = decodeClientHello(frame)
  const { peer, suite } = admit(config, hello)
  const { ciphertext, sharedSecret } = config.encapsulate(hello.share)
  const answer = encodeServerHello({
    random: config.random(32),
    maxMessage: config.maxMessage,
    suite: suite.id,
    ciphertext,
  })
  const transcript = extend(extend(EMPTY_TRANSCRIPT, frame), answer)
  const master = masterSecret(sharedSecret, transcript)
  return {
    state: {
      at: 'signing',
      peer,
      suite,
      peerMaxMessage: hello.maxMessage,
      master,
      initiatorKeys: epochKeys(handshakeSecret(master, 'initiator')),
      responderKeys: epochKeys(handshakeSecret(master, 'responder')),
      transcript,
    },
    effects: [
      { kind: 'send', frame: answer },
      { kind: 'sign', message: signatureInput('responder', transcript) },
    ],
  }
}

/** Who is let in, and with which suite. No secret and no randomness is touched here. */
function admit({ identity, peers }: ResponderConfig, hello: ClientHello): { peer: VerifyingKey; suite: Suite } {
  if (!equalBytes(hello.responder, identity.fingerprint)) {
    const details = { wanted: toHex(hello.responder) }
    throw new AuthError('channel.peer.other', 'the initiator wants to reach another identity', details)
  }
  const suite = chooseSuite(hello.suites)
  if (suite === undefined || suite.id !== hello.shareSuite) {
    const details = { offered: hello.suites, share: hello.shareSuite }
    throw new ProtocolError('channel.suite', 'no offered suite is known here and has a share', details)
  }
  const peer = peers(hello.initiator)
  if (peer === undefined) {
    const details = { fingerprint: toHex(hello.initiator) }
    throw new AuthError('channel.peer.unknown', `no pinned key has the fingerprint ${details.fingerprint}`, details)
  }
  if (!equalBytes(peer.fingerprint, hello.initiator)) {
    throw new UsageError('channel.peers', 'the peers option returned a key of another fingerprint')
  }
  return { peer, suite }
}

function onSigned(state: ResponderState & Keyed, signature: Uint8Array): Result {
  const { content, transcript } = makeAuth(state.master, 'responder', state.transcript, signature)
  return {
    state: { ...state, at: 'authenticating', transcript },
    effects: [{ kind: 'send', frame: sealContent(state.responderKeys, 0, content) }],
  }
}

function onAuth(state: ResponderState & Keyed, frame: Uint8Array): Result {
  const { peer, suite, peerMaxMessage, master } = state
  const content = openRecord(state.initiatorKeys, 0, frame)
  const transcript = checkAuth(content, peer, master, 'initiator', state.transcript)
  const confirm = sealContent(state.responderKeys, 1, makeConfirm(master, transcript))
  const sendSecret = trafficSecret(master, 'responder', transcript)
  const receiveSecret = trafficSecret(master, 'initiator', transcript)
  return {
    state: { at: 'established' },
    effects: [
      { kind: 'send', frame: confirm },
      { kind: 'wipe', secrets: [master] },
      { kind: 'established', session: { peer, suite, peerMaxMessage, sendSecret, receiveSecret } },
    ],
  }
}
