import { AuthError, ProtocolError } from '@gridseal/wire'
import { VerifyingKey } from '@gridseal/pqc'
import { CertificateTrust } from '../identity/certificate-trust.ts'
import type { CertifiedKey } from '../identity/certified-key.ts'
import type { ExpectedPeer, PeerIdentity } from '../identity/identity.ts'
import { StaticPublicKey } from '../identity/static-key.ts'
import type { StaticKey } from '../identity/static-key.ts'
import { FRAME } from '../record/frame.ts'
import { checkConfirm, checkProof } from './auth.ts'
import { WHOEVER_IS_CERTIFIED, decodeRetryRequest, decodeServerHello, encodeClientHello } from './hello.ts'
import type { ClientHello, Ordering, ServerHello } from './hello.ts'
import { freshPair } from './kem.ts'
import type { KemPair } from './kem.ts'
import { finalSecrets, handshakeSecrets } from './key-schedule.ts'
import type { FinalSecrets } from './key-schedule.ts'
import {
  CERTIFIED_LIMIT,
  checkPeer,
  expectFrame,
  expectSigned,
  open,
  proveOurselves,
  sessionOf,
  signed,
  takeInput,
  toSign,
} from './machine.ts'
import type { Finished, HandshakeEffect, HandshakeInput, Keyed, Step, Who } from './machine.ts'
import type { Randomness } from './randomness.ts'
import { findSuite } from './suites.ts'
import type { Suite } from './suites.ts'
import type { ResumptionTicket } from './ticket.ts'
import { EMPTY_TRANSCRIPT, extend } from './transcript.ts'

/*
 *   hello-sent ──ServerHello──▶ keyed ──auth──▶ signing ──signed──▶ confirming ──confirm──▶ established
 *     │   ▲
 *     └───┘ HelloRetryRequest, once
 *
 * The key exchange secret is decapsulated on the ServerHello; nothing is sent that depends on it before the responder
 * has proven who it is. Who does not sign goes from keyed straight to confirming.
 */

/** A pre-shared key with its name. */
export interface NamedKey {
  /** 1 to 255 bytes. */
  readonly id: Uint8Array
  readonly key: Uint8Array
}

export interface InitiatorConfig {
  /** Own public key. */
  readonly identity: PeerIdentity
  /** Opens what the responder encapsulates to us, where our identity is a static key. */
  readonly staticKey?: StaticKey | undefined
  /** Our certificates, where we have some; shown to who asks for them. */
  readonly certified?: CertifiedKey | undefined
  /** Who the responder must be. */
  readonly peer: ExpectedPeer
  /** Largest message that is accepted here, bytes. */
  readonly maxMessage: number
  /** What is offered, in order of preference; the share is for the first. */
  readonly suites: readonly Suite[]
  readonly ordering: Ordering
  readonly sharedKey?: NamedKey | undefined
  readonly ticket?: ResumptionTicket | undefined
  readonly random: Randomness
}

interface HelloSent {
  readonly at: 'hello-sent'
  readonly hello: ClientHello
  readonly transcript: Uint8Array
  readonly keyPair: KemPair
  /** What the responder alone can open. */
  readonly toResponder: Uint8Array | undefined
  /** The suite that a HelloRetryRequest named. */
  readonly retried: Suite | undefined
}

export type InitiatorState =
  | HelloSent
  | { readonly at: 'keyed'; readonly keyed: Keyed; readonly transcript: Uint8Array }
  | { readonly at: 'signing'; readonly keyed: Keyed; readonly who: Who; readonly transcript: Uint8Array }
  | Confirming

interface Confirming {
  readonly at: 'confirming'
  readonly keyed: Keyed
  readonly who: Who
  readonly final: FinalSecrets
}

type Result = Step<InitiatorState | Finished>

/** Begins a handshake: makes the key share and sends the ClientHello. */
export function startInitiator(config: InitiatorConfig): Result {
  const { identity, certified, peer, maxMessage, random, suites, ordering, sharedKey, ticket } = config
  const [first] = suites
  const keyPair = freshPair(first!.kem, random)
  const toPeer = peer instanceof StaticPublicKey ? peer.encapsulate(keyPair.ephemeral) : undefined
  const hello = {
    random: random(32),
    initiator: identity.fingerprint,
    responder: peer instanceof CertificateTrust ? WHOEVER_IS_CERTIFIED : peer.fingerprint,
    maxMessage,
    suites: suites.map(({ id }) => id),
    shareSuite: first!.id,
    share: keyPair.publicKey,
    sharedKey: sharedKey?.id,
    ticket: ticket?.ticket,
    staticKey: toPeer?.ciphertext,
    ordering,
    certificates: { shows: certified !== undefined, asks: peer instanceof CertificateTrust },
  }
  const frame = encodeClientHello(hello)
  const transcript = extend(EMPTY_TRANSCRIPT, frame)
  return {
    state: { at: 'hello-sent', hello, transcript, keyPair, toResponder: toPeer?.sharedSecret, retried: undefined },
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
        if (next.kind === 'frame' && next.frame[0] === FRAME.retryRequest) return onRetry(config, current, next.frame)
        return onServerHello(config, current, expectFrame(next, FRAME.serverHello, 'before the ServerHello'))
      case 'keyed':
        return onProof(config, current.keyed, current.transcript, next)
      case 'signing': {
        const signature = expectSigned(next, 'before our auth')
        return prove(current.keyed, current.who, current.transcript, signature)
      }
      case 'confirming':
        return onConfirm(current, next)
    }
  })
}

/** Once, and only for a suite that was offered: the rest of the hello stays as it was. */
function onRetry({ suites, random }: InitiatorConfig, state: HelloSent, request: Uint8Array): Result {
  if (state.retried !== undefined) throw new ProtocolError('channel.retry', 'a second HelloRetryRequest')
  const { suite: id, cookie } = decodeRetryRequest(request)
  const suite = suites.find((row) => row.id === id)
  if (suite === undefined || cookie.length === 0) {
    throw new ProtocolError('channel.retry', `the responder asks for suite ${id}, which was not offered`, { suite: id })
  }
  const keyPair = suite.kem === state.keyPair.kem ? state.keyPair : freshPair(suite.kem, random)
  const hello: ClientHello = { ...state.hello, shareSuite: suite.id, share: keyPair.publicKey, cookie }
  const frame = encodeClientHello(hello)
  const transcript = extend(extend(state.transcript, request), frame)
  return {
    state: { ...state, hello, keyPair, transcript, retried: suite },
    effects: [{ kind: 'send', frame }],
  }
}

function onServerHello(config: InitiatorConfig, state: HelloSent, frame: Uint8Array): Result {
  const answer = decodeServerHello(frame)
  const suite = acceptable(config, state, answer)
  const transcript = extend(state.transcript, frame)
  const { staticKey, ticket, sharedKey, peer } = config
  const full = !answer.resumed
  const secrets = {
    shared: state.keyPair.decapsulate(answer.ciphertext, 'responder'),
    toResponder: full ? state.toResponder : undefined,
    toInitiator: answer.staticKey === undefined ? undefined : staticKey?.decapsulate(answer.staticKey),
    sharedKey: sharedKey?.key,
    resumption: answer.resumed ? ticket?.secret : undefined,
  }
  if (!full) state.toResponder?.fill(0)
  const keyed: Keyed = {
    peer,
    random: state.hello.random,
    shown: answer.certificates?.asks === true ? config.certified : undefined,
    suite,
    resumed: answer.resumed,
    authenticated: 0,
    peerMaxMessage: answer.maxMessage,
    secrets: handshakeSecrets(secrets, transcript),
  }
  const effects: HandshakeEffect[] = []
  if (peer instanceof CertificateTrust) effects.push({ kind: 'frame-limit', bytes: CERTIFIED_LIMIT })
  return { state: { at: 'keyed', keyed, transcript }, effects }
}

/** The suite of a ServerHello that answers what was asked, and nothing weaker. */
function acceptable(
  { suites, sharedKey, ticket, staticKey, peer, certified }: InitiatorConfig,
  state: HelloSent,
  answer: ServerHello,
): Suite {
  const suite = suites.find(({ id }) => id === answer.suite)
  if (suite === undefined || suite.kem !== state.keyPair.kem || (state.retried ?? suite) !== suite) {
    const message = `the responder chose suite ${answer.suite}, our share is for ${state.hello.shareSuite}`
    throw new ProtocolError('channel.suite', message, { chosen: answer.suite, name: findSuite(answer.suite)?.name })
  }
  if (answer.sharedKey !== (sharedKey !== undefined)) {
    throw new AuthError('channel.shared-key', 'the responder does not mix the pre-shared key in as it should')
  }
  if (answer.resumed && (ticket === undefined || ticket.suite !== suite.id)) {
    throw new AuthError('channel.ticket', 'the responder resumes a session that was not offered')
  }
  if ((answer.staticKey !== undefined) !== (staticKey !== undefined && !answer.resumed)) {
    throw new AuthError('channel.static-key', 'the responder does not ask us to prove our static key as it should')
  }
  const { shows = false, asks = false } = answer.certificates ?? {}
  if (shows !== peer instanceof CertificateTrust || (asks && certified === undefined)) {
    throw new AuthError('channel.certificate', 'the responder does not show and ask for certificates as it should')
  }
  return suite
}

function onProof({ identity }: InitiatorConfig, keyed: Keyed, before: Uint8Array, input: HandshakeInput): Result {
  const who = checkPeer(input, keyed, 'responder', before, () => keyed.secrets.finished)
  if (!(identity instanceof VerifyingKey) || keyed.resumed) return prove(keyed, who, who.transcript)
  const { message, transcript } = toSign('initiator', keyed, who.transcript)
  return { state: { at: 'signing', keyed, who, transcript }, effects: [{ kind: 'sign', message }] }
}

/** Proves who we are, by a signature where we sign. */
function prove(keyed: Keyed, who: Who, before: Uint8Array, signature?: Uint8Array): Result {
  const auth = signed(keyed, before, signature)
  const final = finalSecrets(keyed.secrets.master, auth?.transcript ?? before)
  return {
    state: { at: 'confirming', keyed, who, final },
    effects: [{ kind: 'send', frame: proveOurselves(keyed, 'initiator', auth, final.finished) }],
  }
}

/** A proof by itself, or sealed with a ticket. */
function onConfirm({ keyed, who, final }: Confirming, input: HandshakeInput): Result {
  let ticket
  if (input.kind === 'frame' && input.frame[0] === FRAME.proof) {
    checkProof(input.frame, final.confirm, 'channel.handshake.confirm')
  } else {
    const frame = expectFrame(input, FRAME.record, "in place of the responder's confirm")
    ticket = checkConfirm(open(keyed, 'responder', 1, frame), final.confirm)
  }
  return {
    state: { at: 'established' },
    effects: [
      { kind: 'wipe', secrets: [keyed.secrets.all] },
      { kind: 'established', session: sessionOf('initiator', keyed, who, final, ticket) },
    ],
  }
}
