import { AuthError } from '@gridseal/wire'
import type { PeerConfig } from '../config/model.ts'
import type { Report } from '../events.ts'
import { failure } from '../events.ts'
import type { SiteSession } from '../site/session.ts'
import { CertifiedPeer } from './certified-peer.ts'
import type { KnownPeer } from './certified-peer.ts'
import { Recheck } from './recheck.ts'
import { readIdentity, reportExpiry } from './own-identity.ts'
import type { BridgeIdentity, IdentityConfig } from './own-identity.ts'

/** Reads key and certificates again while the bridge runs. Certificates are taken; another key waits for a restart. */
export async function renewIdentity(
  running: BridgeIdentity,
  config: IdentityConfig,
  report: Report,
): Promise<BridgeIdentity> {
  const next = await readIdentity(config)
  if (!next.key.publicKey.equals(running.key.publicKey)) {
    const message = `not before a restart: the key in ${config.identity} is another one now`
    report({ level: 'warn', code: 'config.restart', message, details: { parts: ['identity'] } })
    return running
  }
  reportExpiry(next, Date.now(), report)
  return next
}

/** Reads again who vouches for a peer, and who is revoked. A peer that is pinned stays so until a restart. */
export async function renewPeer(key: string, running: KnownPeer, { trust }: PeerConfig): Promise<KnownPeer> {
  return running instanceof CertifiedPeer && trust !== undefined ? CertifiedPeer.read(`${key}.trust`, trust) : running
}

/** {@link renewPeer}; where that fails, what was read before stays in force. */
export async function renewOrKeep(
  key: string,
  running: KnownPeer,
  config: PeerConfig,
  report: Report,
): Promise<KnownPeer> {
  try {
    return await renewPeer(key, running, config)
  } catch (error) {
    report(failure('error', 'not read again; what was read before stays in force', error))
    return running
  }
}

/** What looks after the certificates of a peer that is known by some; undefined for one that is pinned. */
export function recheckOf(
  { trust }: PeerConfig,
  known: () => KnownPeer,
  session: SiteSession,
  judge: () => Promise<void>,
): Recheck | undefined {
  if (trust === undefined) return undefined
  const ends = (): number | undefined => {
    const [peer, { key }] = [known(), session.peer]
    const open = session.stats.channel === 'up' && key !== undefined
    return open && peer instanceof CertifiedPeer ? peer.ends(key) : undefined
  }
  return new Recheck({ every: trust.recheck, ends, judge })
}

/**
 * Ends the channel of a peer whose certificates are not believed any more. That revocation lists have become too old
 * ends none: traffic of a grid does not stop because a list was not fetched, but nobody new comes in.
 */
export function judgeAgain(session: SiteSession, before: KnownPeer, now: KnownPeer, report: Report): void {
  const { peer, site } = session
  if (peer.key === undefined || !(before instanceof CertifiedPeer) || !(now instanceof CertifiedPeer)) return
  try {
    now.judge(peer.key, before)
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    if (error.code === 'pqc.cert.revocation-unknown') {
      report(failure('warn', `${site}: the channel stays open, but nobody new comes in`, error, { site }))
      return
    }
    report(failure('warn', `${site}: the peer is not believed any more`, error, { site }))
    session.dismiss()
  }
}
