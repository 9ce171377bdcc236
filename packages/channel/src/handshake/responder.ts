import { AuthError, ProtocolError, UsageError, toHex } from '@gridseal/wire'
import { ChKemEphemeral, VerifyingKey, equalBytes } from '@gridseal/pqc'
import { CertificateTrust } from '../identity/certificate-trust.ts'
import type { CertifiedKey } from '../identity/certified-key.ts'
import type { ExpectedPeer, PeerIdentity } from '../identity/identity.ts'
import { StaticPublicKey } from '../identity/static-key.ts'
import type { StaticKey } from '../identity/static-key.ts'
import { FRAME } from '../record/frame.ts'
import { makeConfirm, proofFrame } from './auth.ts'
import type { CookieJar } from './cookie.ts'
import { WHOEVER_IS_CERTIFIED, decodeClientHello, encodeRetryRequest, encodeServerHello } from './hello.ts'
import type { Ordering, ReceivedClientHello } from './hello.ts'
import type { Encapsulate } from './kem.ts'
import { finalSecrets, handshakeSecrets } from './key-schedule.ts'
import type { FinalSecrets } from './key-schedule.ts'
import {
  CERTIFIED_LIMIT,
  checkPeer,
  expectFrame,
  expectKey,
  expectSigned,
  proveOurselves,
  seal,
  sessionOf,
  signed,
  takeInput,
  toSign,
} from './machine.ts'
import type { Finished, HandshakeEffect, HandshakeInput, Keyed, Step, Who } from './machine.ts'
import type { Randomness } from './randomness.ts'
import { chooseSuite, findSuite } from './suites.ts'
import type { Suite } from './suites.ts'
import { giveTicket, takeTicket } from './resuming.ts'
import type { TicketKeys } from './ticket.ts'
import { EMPTY_TRANSCRIPT, extend } from './transcript.ts'

/*
 *   listening ──ClientHello──▶ (keying ──key──▶) signing ──signed──▶ authenticating ──auth──▶ established
 *     │   ▲
 *     └───┘ ClientHello that is answered with a HelloRetryRequest: all that is remembered of it is in the cookie
 *
 * Whom the hello calls, what it offers and who sends it are checked before any randomness is drawn: a stranger costs
 * a look-up. Who does not sign goes straight to authenticating.
 */

export interface ResponderConfig {
  /** Own public key. */
  readonly identity: PeerIdentity
  /** Opens what initiators encapsulate to us, where our identity is a static key. */
  readonly staticKey?: StaticKey | undefined
  /** The pinned key of a fingerprint. */
  readonly peers: (fingerprint: Uint8Array) => PeerIdentity | undefined
  /** Our certificates, where we have some; shown to who asks for them. */
  readonly certified?: CertifiedKey | undefined
  /** Whom to believe who is not pinned and has certificates. */
  readonly certificates?: CertificateTrust | undefined
  /** Largest message that is accepted here, bytes. */
  readonly maxMessage: number
  /** What is allowed here; the initiator's order decides. */
  readonly suites: readonly Suite[]
  readonly ordering: Ordering
  /** Whether initiators must name a pre-shared key; they must not where it is false. */
  readonly sharedKeys: boolean
  readonly cookies: CookieJar
  /** Whether a ClientHello must bring a cookie before anything is computed for it. */
  readonly demandCookie: () => boolean
  /** Whether there is time for a key agreement now; asked once per handshake, when all cheap checks have passed. */
  readonly mayCompute: () => boolean
  /** The initiator's address, to which cookies are bound. */
  readonly address: Uint8Array
  readonly tickets?: TicketKeys | undefined
  /** Tickets are taken so long after the two have proven who they are, ms. */
  readonly ticketLife: number
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Milliseconds of a clock that does not go back. */
  readonly monotonic: () => number
  readonly random: Randomness
  readonly encapsulate: Encapsulate
}

/** A ClientHello that has been let in. */
interface Admitted {
  readonly hello: ReceivedClientHello
  readonly peer: ExpectedPeer
  readonly suite: Suite
  /** The transcript through the ClientHello. */
  readonly transcript: Uint8Array
}

export type ResponderState =
  { readonly at: 'listening'; readonly retried: boolean } | (Admitted & { readonly at: 'keying' }) | Answering

interface Answering {
  readonly at: 'signing' | 'authenticating'
  readonly keyed: Keyed
  /** The fingerprint that the initiator's hello has named. */
  readonly claimed: Uint8Array
  readonly transcript: Uint8Array
}

type Result = Step<ResponderState | Finished>

/** A responder that has heard nothing yet. */
export function startResponder(): Result {
  return { state: { at: 'listening', retried: false }, effects: [] }
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
        return onClientHello(config, current.retried, expectFrame(next, FRAME.clientHello, 'before the ClientHello'))
      case 'keying':
        // A name that nobody knows goes on with a key that nobody has: both end alike, so names cannot be tried out.
        return onAdmitted(config, current, expectKey(next, 'before the pre-shared key') ?? config.random(32))
      case 'signing':
        return prove(current.keyed, current.claimed, current.transcript, [], expectSigned(next, 'before our auth'))
      case 'authenticating':
        return onProof(config, current, next)
    }
  })
}

function onClientHello(config: ResponderConfig, retried: boolean, frame: Uint8Array): Result {
  const hello = decodeClientHello(frame)
  const { peer, suite } = admit(config, hello)
  let transcript = EMPTY_TRANSCRIPT
  if (hello.cookie === undefined) {
    if (findSuite(hello.shareSuite)?.kem !== suite.kem || config.demandCookie()) {
      if (retried) throw new ProtocolError('channel.retry', 'the ClientHello after the retry has no cookie')
      return retry(config, hello, suite, frame)
    }
  } else {
    transcript = resume(config, hello, suite)
  }
  if (!config.mayCompute()) throw new ProtocolError('channel.limit', 'too many handshakes')
  const admitted: Admitted = { hello, peer, suite, transcript: extend(transcript, frame) }
  if (hello.sharedKey === undefined) return onAdmitted(config, admitted, undefined)
  return {
    state: { at: 'keying', ...admitted },
    effects: [{ kind: 'find-key', id: hello.sharedKey, initiator: hello.initiator.slice() }],
  }
}

function retry(config: ResponderConfig, hello: ReceivedClientHello, suite: Suite, frame: Uint8Array): Result {
  const state = { suite: suite.id, transcript: extend(EMPTY_TRANSCRIPT, frame), fixed: hello.fixed() }
  const cookie = config.cookies.mint(state, config.address, config.monotonic())
  return {
    state: { at: 'listening', retried: true },
    effects: [{ kind: 'send', frame: encodeRetryRequest({ suite: suite.id, cookie }) }],
  }
}

/** The transcript before a ClientHello that brings a cookie: the first hello and our request are in it. */
function resume(config: ResponderConfig, hello: ReceivedClientHello, suite: Suite): Uint8Array {
  const { cookie } = hello as { cookie: Uint8Array }
  const state = config.cookies.open(cookie, config.address, config.monotonic())
  if (!equalBytes(state.fixed, hello.fixed())) {
    throw new ProtocolError('channel.retry', 'the ClientHello after the retry is another one')
  }
  if (state.suite !== suite.id || hello.shareSuite !== suite.id) {
    const details = { asked: state.suite, share: hello.shareSuite }
    throw new ProtocolError('channel.suite', 'the ClientHello after the retry has no share for the suite', details)
  }
  return extend(state.transcript, encodeRetryRequest({ suite: suite.id, cookie }))
}

/** Who is let in, and with which suite. No secret and no randomness is touched here. */
function admit(config: ResponderConfig, hello: ReceivedClientHello): { peer: ExpectedPeer; suite: Suite } {
  const { identity, suites, ordering, sharedKeys, staticKey, certified } = config
  const asksForCertificates = hello.certificates?.asks === true
  const wanted = asksForCertificates ? WHOEVER_IS_CERTIFIED : identity.fingerprint
  if (!equalBytes(hello.responder, wanted) || (asksForCertificates && certified === undefined)) {
    const details = { wanted: toHex(hello.responder) }
    throw new AuthError('channel.peer.other', 'the initiator wants to reach another identity', details)
  }
  const suite = chooseSuite(hello.suites, suites)
  if (suite === undefined || !hello.suites.includes(hello.shareSuite)) {
    const details = { offered: hello.suites, share: hello.shareSuite }
    throw new ProtocolError('channel.suite', 'no offered suite is allowed here, or the share is for none', details)
  }
  if (hello.ordering !== ordering) {
    throw new ProtocolError('channel.ordering', `the initiator wants ${hello.ordering} order, here it is ${ordering}`)
  }
  const peer = callerOf(config, hello)
  if (peer === undefined) {
    const details = { fingerprint: toHex(hello.initiator) }
    throw new AuthError('channel.peer.unknown', `no pinned key has the fingerprint ${details.fingerprint}`, details)
  }
  if ((hello.sharedKey !== undefined) !== sharedKeys) {
    const text = sharedKeys ? 'the initiator names no pre-shared key' : 'there are no pre-shared keys here'
    throw new AuthError('channel.shared-key', text)
  }
  if ((hello.staticKey !== undefined) !== (staticKey !== undefined)) {
    throw new AuthError('channel.static-key', 'the initiator does not ask us to prove our identity as it should')
  }
  return { peer, suite }
}

/** The initiator's pinned key, or trust in the certificates that it has. Undefined for a stranger. */
function callerOf({ peers, certificates }: ResponderConfig, hello: ReceivedClientHello): ExpectedPeer | undefined {
  const pinned = peers(hello.initiator)
  if (pinned === undefined) return hello.certificates?.shows === true ? certificates : undefined
  if (equalBytes(pinned.fingerprint, hello.initiator)) return pinned
  throw new UsageError('channel.peers', 'the peers option returned a key of another fingerprint')
}

function onAdmitted(config: ResponderConfig, admitted: Admitted, sharedKey: Uint8Array | undefined): Result {
  const { hello, peer, suite } = admitted
  const shows = hello.certificates?.asks === true
  const asks = peer instanceof CertificateTrust
  // Certificates are judged each time: a ticket would outlive them.
  const ticket = shows || asks ? undefined : takeTicket(config, hello, suite)
  const resumed = ticket !== undefined
  const proves = peer instanceof StaticPublicKey && !resumed ? peer : undefined
  const ephemeral = suite.kem === 'CH-KEM-v1' && proves?.algorithm === suite.kem ? ChKemEphemeral.generate() : undefined
  const { ciphertext, sharedSecret } = config.encapsulate(suite.kem, hello.share, 'responder', ephemeral)
  const toResponder =
    resumed || hello.staticKey === undefined ? undefined : config.staticKey?.decapsulate(hello.staticKey)
  const toPeer = proves?.encapsulate(ephemeral)
  const serverHello = encodeServerHello({
    random: config.random(32),
    maxMessage: config.maxMessage,
    suite: suite.id,
    ciphertext,
    sharedKey: sharedKey !== undefined,
    resumed,
    staticKey: toPeer?.ciphertext,
    certificates: { shows, asks },
  })
  const transcript = extend(admitted.transcript, serverHello)
  const resumption = ticket?.secret
  const secrets = { shared: sharedSecret, toResponder, toInitiator: toPeer?.sharedSecret, sharedKey, resumption }
  const keyed: Keyed = {
    peer,
    random: hello.random.slice(),
    shown: shows ? config.certified : undefined,
    suite,
    resumed,
    authenticated: ticket?.authenticated ?? config.now(),
    peerMaxMessage: hello.maxMessage,
    secrets: handshakeSecrets(secrets, transcript),
  }
  const claimed = hello.initiator.slice()
  const effects: HandshakeEffect[] = [{ kind: 'send', frame: serverHello }]
  if (asks) effects.push({ kind: 'frame-limit', bytes: CERTIFIED_LIMIT })
  if (resumed || !(config.identity instanceof VerifyingKey)) {
    return prove(keyed, claimed, transcript, effects)
  }
  const { message, transcript: signing } = toSign('responder', keyed, transcript)
  effects.push({ kind: 'sign', message })
  return { state: { at: 'signing', keyed, claimed, transcript: signing }, effects }
}

/** Proves who we are, after `effects`, by a signature where we sign. */
function prove(
  keyed: Keyed,
  claimed: Uint8Array,
  before: Uint8Array,
  effects: HandshakeEffect[],
  signature?: Uint8Array,
): Result {
  const auth = signed(keyed, before, signature)
  effects.push({ kind: 'send', frame: proveOurselves(keyed, 'responder', auth, keyed.secrets.finished) })
  return { state: { at: 'authenticating', keyed, claimed, transcript: auth?.transcript ?? before }, effects }
}

function onProof(config: ResponderConfig, state: Answering, input: HandshakeInput): Result {
  const { keyed, claimed, transcript } = state
  let final: FinalSecrets | undefined
  try {
    const derive = (whole: Uint8Array): FinalSecrets => (final = finalSecrets(keyed.secrets.master, whole))
    const who = checkPeer(input, keyed, 'initiator', transcript, (whole) => derive(whole).finished)
    if (!equalBytes(who.peer.fingerprint, claimed)) {
      const text = 'the certificates of the initiator are for another key than it has named'
      throw new AuthError('channel.peer.other', text)
    }
    return established(config, keyed, who, final!)
  } catch (error) {
    final?.all.fill(0)
    throw error
  }
}

function established(config: ResponderConfig, keyed: Keyed, who: Who, final: FinalSecrets): Result {
  const given = giveTicket(config, keyed, who, final.resumption)
  const frame =
    given === undefined ? proofFrame(final.confirm) : seal(keyed, 'responder', 1, makeConfirm(final.confirm, given))
  return {
    state: { at: 'established' },
    effects: [
      { kind: 'send', frame },
      { kind: 'wipe', secrets: [keyed.secrets.all] },
      { kind: 'established', session: sessionOf('responder', keyed, who, final) },
    ],
  }
}
