import { ProtocolError } from '@gridseal/wire'
import { generateChKemKeyPair, CH_KEM_V1 } from '@gridseal/pqc'
import type { ChKemKeyPair, VerifyingKey } from '@gridseal/pqc'
import { epochKeys } from '../record/epoch.ts'
import { FRAME } from '../record/frame.ts'
import { openRecord, sealContent } from '../record/record.ts'
import { checkAuth, checkConfirm, makeAuth } from './auth.ts'
import { decodeServerHello, encodeClientHello } from './hello.ts'
import { handshakeSecret, masterSecret, signatureInput, trafficSecret } from './key-schedule.ts'
import { expectFrame, expectSigned, takeInput } from './machine.ts'
import type { Finished, HandshakeInput, Keyed, Step } from './machine.ts'
import { DEFAULT_SUITE, SUITES } from './suites.ts'
import { EMPTY_TRANSCRIPT, extend } from './transcript.ts'

/*
 *   hello-sent ──ServerHello──▶ keyed ──auth──▶ signing ──signed──▶ confirming ──confirm──▶ established
 *
 * The key exchange secret is decapsulated on the ServerHello; nothing is sent that depends on it before the responder
 * has proven who it is.
 */

export interface InitiatorConfig {
  /** Own public key. */
  readonly identity: VerifyingKey
  /** The pinned key of the responder. */
  readonly peer: VerifyingKey
  /** Largest message that is accepted here, bytes. */
  readonly maxMessage: number
  readonly random: (count: number) => Uint8Array
}

export type InitiatorState =
  | { readonly at: 'hello-sent'; readonly transcript: Uint8Array; readonly keyPair: ChKemKeyPair }
  | (Keyed & { readonly at: 'keyed' | 'signing' | 'confirming' })

type Result = Step<InitiatorState | Finished>

/** Begins a handshake: makes the key share and sends the ClientHello. */
export function startInitiator({ identity, peer, maxMessage, random }: InitiatorConfig): Result {
  const seed = random(CH_KEM_V1.seedLength)
  const keyPair = generateChKemKeyPair(seed)
  seed.fill(0)
  const frame = encodeClientHello({
    random: random(32),
    initiator: identity.fingerprint,
    responder: peer.fingerprint,
    maxMessage,
    suites: SUITES.map(({ id }) => id),
    shareSuite: DEFAULT_SUITE.id,
    share: keyPair.publicKey,
  })
  return {
    state: { at: 'hello-sent', transcript: extend(EMPTY_TRANSCRIPT, frame), keyPair },
    effects: [{ kind: 'send', frame }],
  }
}

/** Takes one input. Never throws. */
export function stepInitiator(
  config: InitiatorConfig,
  state: InitiatorState | Finished,
  input: HandshakeInput,
): Result {
  return takeInput(state, input, (current: InitiatorState, next) => {
    switch (current.at) {
      case 'hello-sent':
        return onServerHello(config, current, expectFrame(next, FRAME.serverHello, 'before the ServerHello'))
      case 'keyed':
        return onAuth(current, expectFrame(next, FRAME.record, "in place of the responder's auth"))
      case 'signing':
        return onSigned(current, expectSigned(next, 'before our auth'))
      case 'confirming':
        return onConfirm(current, expectFrame(next, FRAME.record, "in place of the responder's confirm"))
    }
  })
}

function onServerHello(
  { peer }: InitiatorConfig,
  state: InitiatorState & { at: 'hello-sent' },
  frame: Uint8Array,
): Result {
  const hello = decodeServerHello(frame)
  if (hello.suite !== DEFAULT_SUITE.id) {
    const message = `the responder chose suite ${hello.suite}, our share is for ${DEFAULT_SUITE.id}`
    throw new ProtocolError('channel.suite', message, { chosen: hello.suite })
  }
  const transcript = extend(state.transcript, frame)
  const master = masterSecret(state.keyPair.decapsulate(hello.ciphertext, 'responder'), transcript)
  const keyed = {
    peer,
    suite: DEFAULT_SUITE,
    peerMaxMessage: hello.maxMessage,
    master,
    initiatorKeys: epochKeys(handshakeSecret(master, 'initiator')),
    responderKeys: epochKeys(handshakeSecret(master, 'responder')),
    transcript,
  }
  return { state: { at: 'keyed', ...keyed }, effects: [] }
}

function onAuth(state: InitiatorState & Keyed, frame: Uint8Array): Result {
  const content = openRecord(state.responderKeys, 0, frame)
  const transcript = checkAuth(content, state.peer, state.master, 'responder', state.transcript)
  return {
    state: { ...state, at: 'signing', transcript },
    effects: [{ kind: 'sign', message: signatureInput('initiator', transcript) }],
  }
}

function onSigned(state: InitiatorState & Keyed, signature: Uint8Array): Result {
  const { content, transcript } = makeAuth(state.master, 'initiator', state.transcript, signature)
  return {
    state: { ...state, at: 'confirming', transcript },
    effects: [{ kind: 'send', frame: sealContent(state.initiatorKeys, 0, content) }],
  }
}

function onConfirm(state: InitiatorState & Keyed, frame: Uint8Array): Result {
  const { peer, suite, peerMaxMessage, master, transcript } = state
  checkConfirm(openRecord(state.responderKeys, 1, frame), master, transcript)
  const sendSecret = trafficSecret(master, 'initiator', transcript)
  const receiveSecret = trafficSecret(master, 'responder', transcript)
  return {
    state: { at: 'established' },
    effects: [
      { kind: 'wipe', secrets: [master] },
      { kind: 'established', session: { peer, suite, peerMaxMessage, sendSecret, receiveSecret } },
    ],
  }
}
