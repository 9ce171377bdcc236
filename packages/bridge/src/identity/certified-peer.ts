import { CertificateTrust } from '@gridseal/channel'
import type { CertificateTrustOptions } from '@gridseal/channel'
import type { Certificate, VerifyingKey } from '@gridseal/pqc'
import { matchesHost, readPublicKeyFile } from '@gridseal/pqc'
import { AuthError, UsageError, toHex } from '@gridseal/wire'
import type { PeerConfig, TrustConfig } from '../config/model.ts'
import { readCertificates, readRevocationLists } from './certificate-files.ts'

type Chain = Parameters<CertificateTrust['verify']>[0]
type Role = Parameters<CertificateTrust['verify']>[1]

/** Chains that are remembered; a peer has one, or two while it is renewed. */
const MOST_SHOWN = 8

interface Shown {
  readonly chain: Chain
  readonly role: Role
}

/** A peer that is known by certificates for one name. */
export class CertifiedPeer extends CertificateTrust {
  readonly name: string
  /** Those who vouch for it. */
  readonly roots: readonly Certificate[]
  /** What is behind channels, by the key's fingerprint in hex; the latest last. */
  readonly #shown = new Map<string, Shown>()

  private constructor(options: CertificateTrustOptions & { readonly host: string }) {
    super(options)
    this.name = options.host
    this.roots = options.roots
  }

  /** `key`: where the configuration has it. Throws `UsageError` `config.certificate`. */
  static async read(key: string, { ca, name, crl, requireRevocation }: TrustConfig): Promise<CertifiedPeer> {
    const roots = (await Promise.all(ca.map((file) => readCertificates(`${key}.ca`, file)))).flat()
    const lists = (await Promise.all(crl.map((file) => readRevocationLists(`${key}.crl`, file)))).flat()
    return new CertifiedPeer({ roots, host: name, revocationLists: () => lists, requireRevocation })
  }

  override verify(chain: Chain, role: Role): VerifyingKey {
    const key = super.verify(chain, role)
    this.#remember(key, { chain, role })
    return key
  }

  #remember(key: { readonly fingerprint: Uint8Array }, shown: Shown): void {
    const id = toHex(key.fingerprint)
    this.#shown.delete(id)
    this.#shown.set(id, shown)
    const [oldest] = this.#shown.keys()
    if (this.#shown.size > MOST_SHOWN && oldest !== undefined) this.#shown.delete(oldest)
  }

  /** Whether a certificate is for this peer's name. */
  isNamedBy({ extensions }: Certificate): boolean {
    return matchesHost(extensions.subjectAltName ?? [], this.name)
  }

  /** Whether a key has shown certificates for it: only such as were believed come in. */
  knows(key: { readonly fingerprint: Uint8Array }): boolean {
    return this.#shown.has(toHex(key.fingerprint))
  }

  /** When the first of the certificates ends that a key has shown, ms since 1970-01-01 UTC. */
  ends(key: { readonly fingerprint: Uint8Array }): number | undefined {
    const shown = this.#shown.get(toHex(key.fingerprint))
    return shown && Math.min(...shown.chain.map(({ notAfter }) => notAfter.getTime()))
  }

  /** Judges what a key has shown to `before` again. Throws `AuthError` as {@link verify}. */
  judge(key: { readonly fingerprint: Uint8Array }, before: CertifiedPeer): void {
    const shown = before.#shown.get(toHex(key.fingerprint))
    if (shown === undefined) return
    // Also where it is refused now: a channel that stays open nevertheless is judged again.
    this.#remember(key, shown)
    super.verify(shown.chain, shown.role)
  }
}

/** A peer as it is configured: its pinned key, or how its certificates are judged. */
export type KnownPeer = VerifyingKey | CertifiedPeer

/** `key`: where the configuration has it. Throws what reading a key throws, and `UsageError` `config.certificate`. */
export async function readPeer(key: string, { peer, trust }: PeerConfig): Promise<KnownPeer> {
  if (trust !== undefined) return CertifiedPeer.read(`${key}.trust`, trust)
  if (peer === undefined) throw new UsageError('config.peer', `${key}: neither peer nor trust says who that is`)
  return readPublicKeyFile(peer)
}

/**
 * All peers that come in and are known by certificates: each is judged by those who vouch for the one that it says it
 * is, and by no others.
 */
export class CertifiedPeers extends CertificateTrust {
  #peers: readonly CertifiedPeer[]

  /** Undefined where there are none. */
  static of(peers: readonly CertifiedPeer[]): CertifiedPeers | undefined {
    const [first] = peers
    return first === undefined ? undefined : new CertifiedPeers(first, peers)
  }

  private constructor(first: CertifiedPeer, peers: readonly CertifiedPeer[]) {
    super({ roots: first.roots })
    this.#peers = peers
  }

  /** Others are believed from now on. */
  replace(peers: readonly CertifiedPeer[]): void {
    this.#peers = peers
  }

  override verify(chain: Chain, role: Role): VerifyingKey {
    const [leaf] = chain
    const named = this.#peers.filter((peer) => peer.isNamedBy(leaf))
    const [peer] = named
    if (peer !== undefined && named.length === 1) return peer.verify(chain, role)
    const what = peer === undefined ? 'names no site of this bridge' : 'names several sites of this bridge'
    const details = { subject: leaf.subject.text, serial: leaf.serial }
    throw new AuthError('channel.certificate.refused', `the certificate of "${leaf.subject.text}" ${what}`, details)
  }
}
