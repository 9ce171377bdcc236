import type { AcceptConfig, GroupConfig, KnownPeer, SigningKeyConfig, TrustConfig } from '@gridseal/bridge'
import { CertifiedPeer } from '@gridseal/bridge'
import type { Certificate } from '@gridseal/pqc'

/** A signing key of a configuration, opened. */
export interface ShownKey {
  readonly key: SigningKeyConfig
  readonly fingerprint: string
}

/** A far bridge: what says who it is, read. */
export interface ShownPeer {
  readonly known: KnownPeer
  readonly trust: TrustConfig | undefined
}

/** The fingerprint of a peer, or the name that its certificate must have. */
export function shortPeer({ known }: ShownPeer): string {
  return known instanceof CertifiedPeer ? `certificate for ${known.name}` : known.fingerprintText
}

/** Our own certificate, if we have one. `now` in ms since 1970-01-01 UTC. */
export function explainCertificate(certificate: Certificate | undefined, now: number): string[] {
  if (certificate === undefined) return []
  const { subject, issuer, notBefore, notAfter } = certificate
  const lines = [
    `  shows the certificate of "${subject.text}", issued by "${issuer.text}", to who has not pinned its key`,
  ]
  if (now < notBefore.getTime()) lines.push(`    NOT VALID YET: from ${notBefore.toISOString()}`)
  else if (now > notAfter.getTime()) lines.push(`    EXPIRED: it was valid until ${notAfter.toISOString()}`)
  else lines.push(`    valid until ${notAfter.toISOString()}; SIGHUP reads a renewed one of the same key`)
  return lines
}

/** Who a far bridge is. `what` begins the first line. */
export function explainPeer(what: string, peer: ShownPeer | undefined): string[] {
  if (peer === undefined) return []
  const { known, trust } = peer
  if (!(known instanceof CertifiedPeer) || trust === undefined) return [`${what} ${shortPeer(peer)}`]
  const by = known.roots.map(({ subject }) => `"${subject.text}"`).join(', ')
  const revoked = trust.crl.length === 0 ? 'no revocation lists' : `revoked: ${trust.crl.join(', ')}`
  const covered = trust.requireRevocation ? '; each must be covered by a current list' : ''
  return [
    `${what} who has a certificate for ${known.name}, vouched for by ${by}`,
    `    ${revoked}${covered}`,
    `    certificates are judged at each connection; with these files read anew every ${trust.recheck / 60_000} min and at SIGHUP`,
  ]
}

/** What signs batches. `now` in ms since 1970-01-01 UTC. */
export function explainSigning(keys: readonly ShownKey[], now: number): string[] {
  if (keys.length === 0) return ['  the identity signs batches']
  const open = keys.filter(({ key: { from = -Infinity, until = Infinity } }) => from <= now && now < until)
  const current = open.toSorted((a, b) => (a.key.from ?? -Infinity) - (b.key.from ?? -Infinity)).at(-1)
  const lines = keys.map((shown) => {
    const { key, fingerprint } = shown
    const place = key.token === undefined ? (key.file ?? '') : `"${key.token.name}" in token "${key.token.label}"`
    return `    ${fingerprint} (${place})${windowText(key)}${shown === current ? ': signs now' : ''}`
  })
  if (current === undefined) lines.push('    none is valid now: the one that signed last goes on, and this is an error')
  return [
    '  batches are signed by the key whose window opened last; the key before signs the change (SIGHUP reads anew):',
    ...lines,
  ]
}

/** What batches of a peer must be. `listed`: fingerprints of `accept.signers`, in their order. */
export function explainAccept(accept: AcceptConfig, listed: readonly string[]): string[] {
  const { signers, successors, overlap, algorithms, clockSkew, maxAge } = accept
  const lines = signers.map((signer, i) => `its batches may be signed by ${listed[i]} as well${windowText(signer)}`)
  lines.push(
    successors === 'signed'
      ? 'a key that one of its keys has signed for is followed'
      : 'a key that one of its keys has signed for is followed only if it is listed',
    `a key that has a successor begins no more logs after ${overlap / 1000} s`,
  )
  if (algorithms !== undefined) lines.push(`signature algorithms: only ${algorithms.join(', ')}`)
  if (clockSkew === undefined) lines.push('the times of its traffic are not looked at (clockSkew)')
  else {
    const age = maxAge === undefined ? 'of any age' : `no older than ${maxAge / 1000} s`
    lines.push(
      `live traffic is delivered ${age} and no more than ${clockSkew / 1000} s ahead of our clock; the rest is only kept`,
      `kept traffic is delivered whatever its age; a clock ahead by more is reported`,
    )
  }
  lines.push('a gap in its batches is reported and asked for again')
  return lines
}

/** A group of the head-end. */
export function explainGroup(group: GroupConfig): string[] {
  const { name, protocol, address, members, lifetime, overlap, maxAge } = group
  const where = address === undefined ? 'only passed on between members' : `heard and spoken at ${address}`
  const who = members.map(({ site, link }) => `${site}/${link}`).join(', ')
  return [
    `  group ${name}: ${protocol} multicast, ${where}; members ${who || 'none'}`,
    ...(address?.startsWith('eth://') === true ? [`    ${filterText(group)}`] : []),
    `    each datagram goes at once under a MAC, no older than ${maxAge / 1000} s, and is signed behind`,
    `    a new key every ${lifetime / 1000} s; the one before is taken for another ${overlap / 1000} s, after a removal not at all`,
  ]
}

/** Which frames of an Ethernet interface are carried. */
export function filterText({ destinations, appIds }: Pick<GroupConfig, 'destinations' | 'appIds'>): string {
  const ids = appIds?.map((id) => `0x${id.toString(16).padStart(4, '0')}`)
  return `frames to ${destinations?.join(', ') ?? 'any group address'}, APPID ${ids?.join(', ') ?? 'any'}`
}

function windowText({
  from,
  until,
}: {
  readonly from?: number | undefined
  readonly until?: number | undefined
}): string {
  const parts = [
    ...(from === undefined ? [] : [`from ${new Date(from).toISOString()}`]),
    ...(until === undefined ? [] : [`until ${new Date(until).toISOString()}`]),
  ]
  return parts.length === 0 ? '' : `, ${parts.join(' ')}`
}
