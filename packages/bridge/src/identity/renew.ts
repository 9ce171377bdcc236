import { AuthError } from '@gridseal/wire'
import type { PeerConfig } from '../config/model.ts'
import type { Report } from '../events.ts'
import { failure } from '../events.ts'
import type { SiteSession } from '../site/session.ts'
import { CertifiedPeer } from './certified-peer.ts'
import type { KnownPeer } from './certified-peer.ts'
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

/** Ends the channel of a peer whose certificates are not believed any more. */
export function judgeAgain(session: SiteSession, before: KnownPeer, now: KnownPeer, report: Report): void {
  const { peer, site } = session
  if (peer.key === undefined || !(before instanceof CertifiedPeer) || !(now instanceof CertifiedPeer)) return
  try {
    now.judge(peer.key, before)
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    report(failure('warn', `${site}: the peer is not believed any more`, error, { site }))
    session.dismiss()
  }
}
