import { ProtocolError } from '@gridseal/wire'
import { sha256 } from '@gridseal/pqc'
import { CookieJar } from './handshake/cookie.ts'
import type { Ordering } from './handshake/hello.ts'
import type { InitiatorConfig } from './handshake/initiator.ts'
import type { ResponderConfig } from './handshake/responder.ts'
import { CertificateTrust } from './identity/certificate-trust.ts'
import { CertifiedKey } from './identity/certified-key.ts'
import type { ExpectedPeer } from './identity/identity.ts'
import { checkNamedKey } from './identity/shared-key.ts'
import { StaticKey } from './identity/static-key.ts'
import type { AcceptOptions, Settings } from './options.ts'
import type { Admission } from './protection/guard.ts'

/*
 * What the handshake machines need of a channel's settings, over streams and over packets.
 */

/** Takes the ticket and the pre-shared key of the next session. Throws as the source of keys does, and {@link inTime}. */
export async function initiatorConfig(
  settings: Settings,
  peer: ExpectedPeer,
  ordering: Ordering,
): Promise<InitiatorConfig> {
  const { identity, maxMessage, random, suites, sharedKeys, ticketStore, handshakeTimeout } = settings
  return {
    identity: identity.publicKey,
    staticKey: identity instanceof StaticKey ? identity : undefined,
    certified: identity instanceof CertifiedKey ? identity : undefined,
    peer,
    maxMessage,
    random,
    suites,
    ordering,
    sharedKey:
      sharedKeys === undefined
        ? undefined
        : checkNamedKey(await inTime(sharedKeys.next(nameOf(peer)), handshakeTimeout)),
    ticket: peer instanceof CertificateTrust ? undefined : ticketStore?.take(peer.fingerprintText, Date.now()),
  }
}

/** Throws {@link ProtocolError} `channel.handshake.timeout` where the key takes longer. */
async function inTime<T>(key: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const error = new ProtocolError('channel.handshake.timeout', 'the pre-shared key did not come in time')
    timer = setTimeout(() => reject(error), milliseconds)
  })
  try {
    return await Promise.race([key, late])
  } finally {
    clearTimeout(timer)
  }
}

/** For those that bring none: cookies are opened by the process that made them. */
const cookies = new CookieJar()

export interface ResponderPlace {
  readonly ordering: Ordering
  /** The initiator's address, to which cookies are bound. */
  readonly address: Uint8Array
  readonly admission: Admission | undefined
}

export function responderConfig(
  settings: Settings,
  peers: AcceptOptions['peers'],
  { ordering, address, admission }: ResponderPlace,
): ResponderConfig {
  const { identity, maxMessage, random, encapsulate, suites, sharedKeys, ticketKeys, ticketLife, certificates } =
    settings
  return {
    identity: identity.publicKey,
    staticKey: identity instanceof StaticKey ? identity : undefined,
    certified: identity instanceof CertifiedKey ? identity : undefined,
    peers,
    certificates,
    maxMessage,
    suites,
    ordering,
    sharedKeys: sharedKeys !== undefined,
    cookies,
    demandCookie: () => admission?.demandCookie() === true,
    mayCompute: () => admission?.mayCompute(performance.now()) !== false,
    address,
    tickets: ticketKeys,
    ticketLife,
    now: () => Date.now(),
    monotonic: () => performance.now(),
    random,
    encapsulate,
  }
}

/** What a source of pre-shared keys knows a responder by. */
function nameOf(peer: ExpectedPeer): Uint8Array {
  return peer instanceof CertificateTrust ? sha256(new TextEncoder().encode(peer.host ?? '')) : peer.fingerprint
}

/**
 * The pre-shared key of a name that came in the clear from an initiator that is let in, by its fingerprint; undefined
 * where there is none.
 */
export async function findSharedKey(
  { sharedKeys }: Settings,
  id: Uint8Array,
  initiator: Uint8Array,
): Promise<Uint8Array | undefined> {
  const key = await sharedKeys?.find(id, initiator)
  return key === undefined ? undefined : checkNamedKey({ id, key }).key
}
