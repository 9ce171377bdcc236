import { BER, BerReader, UsageError, contextConstructed, contextTag } from '@gridseal/wire'
import type { BerWriter } from '@gridseal/wire'
import type { AltName } from './extensions.ts'
import { readName, writeName } from './name.ts'
import type { Name, ReadName } from './name.ts'

/*
 * Which names a CA may certify (RFC 5280 4.2.1.10):
 *
 *   NameConstraints ::= SEQUENCE { permittedSubtrees [0] GeneralSubtrees OPTIONAL, excludedSubtrees [1] OPTIONAL }
 *   GeneralSubtree  ::= SEQUENCE { base GeneralName, minimum [0] DEFAULT 0, maximum [1] OPTIONAL }
 */

/** One part of the name space. An IP address comes with its mask: 8 or 32 bytes. `other` is read, not written. */
export type Subtree =
  | { readonly type: 'dns' | 'email' | 'uri'; readonly value: string }
  | { readonly type: 'ip'; readonly value: Uint8Array }
  | { readonly type: 'directory'; readonly value: Name | ReadName }
  | { readonly type: 'other'; readonly value: Uint8Array }

export interface NameConstraints {
  /** Where there are some of a form, each name of that form must be in one of them. */
  readonly permitted?: readonly Subtree[]
  readonly excluded?: readonly Subtree[]
}

type ReadSubtree = Exclude<Subtree, { type: 'directory' }> | { readonly type: 'directory'; readonly value: ReadName }

export interface ReadNameConstraints {
  readonly permitted: readonly ReadSubtree[]
  readonly excluded: readonly ReadSubtree[]
}

/** A name that a certificate claims. */
type Claim = Exclude<ReadSubtree, { type: 'other' }>

const MAX_SUBTREES = 256
const TAGS = { email: contextTag(1), dns: contextTag(2), uri: contextTag(6), ip: contextTag(7) } as const
const DIRECTORY = contextConstructed(4)
const [PERMITTED, EXCLUDED] = [contextConstructed(0), contextConstructed(1)]
const EMAIL_ADDRESS = '1.2.840.113549.1.9.1'

export function readNameConstraints(reader: BerReader): ReadNameConstraints {
  const sequence = reader.enter(BER.SEQUENCE, 'nameConstraints')
  const permitted = sequence.is(PERMITTED) ? readSubtrees(sequence.enter(PERMITTED, 'permittedSubtrees')) : []
  const excluded = sequence.is(EXCLUDED) ? readSubtrees(sequence.enter(EXCLUDED, 'excludedSubtrees')) : []
  sequence.expectEnd('nameConstraints')
  return { permitted, excluded }
}

/** Throws `UsageError` `pqc.x509.alt-name` for an address without a mask. */
export function writeNameConstraints(writer: BerWriter, { permitted = [], excluded = [] }: NameConstraints): void {
  writer.constructed(BER.SEQUENCE, (sequence) => {
    for (const [tag, subtrees] of [
      [PERMITTED, permitted],
      [EXCLUDED, excluded],
    ] as const) {
      if (subtrees.length === 0) continue
      sequence.constructed(tag, (list) => {
        for (const subtree of subtrees) list.constructed(BER.SEQUENCE, (base) => writeBase(base, subtree))
      })
    }
  })
}

/** Why a CA's constraints do not let it certify a subject with these names; undefined if they do. */
export function constraintViolation(
  { permitted, excluded }: ReadNameConstraints,
  subject: ReadName,
  names: readonly AltName[],
): string | undefined {
  if ([...permitted, ...excluded].some(({ type }) => type === 'other')) {
    return 'its issuer is limited to names of a form that is not supported'
  }
  for (const claim of claims(subject, names)) {
    const same = (subtree: ReadSubtree): boolean => subtree.type === claim.type
    const allowed = permitted.filter(same)
    if (allowed.length > 0 && !allowed.some((subtree) => within(claim, subtree, 'permitted'))) {
      return `its issuer may not certify ${show(claim)}`
    }
    if (excluded.some((subtree) => same(subtree) && within(claim, subtree, 'excluded'))) {
      return `its issuer is excluded from certifying ${show(claim)}`
    }
  }
  return undefined
}

function readSubtrees(list: BerReader): ReadSubtree[] {
  const subtrees: ReadSubtree[] = []
  while (!list.atEnd) {
    if (subtrees.length >= MAX_SUBTREES) throw list.error('pqc.x509.limit', 'GeneralSubtrees', 'too many')
    const subtree = list.enter(BER.SEQUENCE, 'GeneralSubtree')
    subtrees.push(readBase(subtree))
    // Minimum is 0 and maximum absent (RFC 5280 4.2.1.10).
    subtree.expectEnd('GeneralSubtree')
  }
  return subtrees
}

function readBase(reader: BerReader): ReadSubtree {
  const tag = reader.peekTag('base')
  if (tag === TAGS.ip) {
    const value = reader.contents(tag, 'iPAddress')
    if (value.length !== 8 && value.length !== 32) throw reader.error('pqc.x509.constraints', 'iPAddress', 'no mask')
    return { type: 'ip', value }
  }
  if (tag === TAGS.dns) return { type: 'dns', value: reader.text('dNSName', tag) }
  if (tag === TAGS.email) return { type: 'email', value: reader.text('rfc822Name', tag) }
  if (tag === TAGS.uri) return { type: 'uri', value: reader.text('uri', tag) }
  if (tag === DIRECTORY) return { type: 'directory', value: readName(reader.enter(tag, 'directoryName'), 'base') }
  return { type: 'other', value: reader.element('base') }
}

function writeBase(writer: BerWriter, subtree: Subtree): void {
  if (subtree.type === 'directory') {
    const { value } = subtree
    writer.constructed(DIRECTORY, (w) => ('der' in value ? w.raw((value as ReadName).der) : writeName(w, value)))
  } else if (subtree.type === 'ip') {
    if (subtree.value.length !== 8 && subtree.value.length !== 32) {
      throw new UsageError('pqc.x509.alt-name', 'a constraint of addresses has an address and a mask: 8 or 32 bytes')
    }
    writer.octetString(subtree.value, TAGS.ip)
  } else if (subtree.type === 'other') {
    throw new UsageError('pqc.x509.alt-name', 'constraints of type "other" are read, not written')
  } else writer.text(subtree.value, TAGS[subtree.type])
}

function* claims(subject: ReadName, names: readonly AltName[]): Generator<Claim> {
  if (subject.rdns.length > 0) yield { type: 'directory', value: subject }
  for (const name of names) {
    if (name.type !== 'other') yield name
    else if (name.value[0] === DIRECTORY) {
      const reader = BerReader.of(name.value, { der: true }).enter(DIRECTORY, 'directoryName')
      yield { type: 'directory', value: readName(reader, 'directoryName') }
    }
  }
  // Where there is no rfc822Name, old certificates have the address in the subject (RFC 5280 4.1.2.6).
  const address = (subject.attributes as Readonly<Record<string, string>>)[EMAIL_ADDRESS]
  if (address !== undefined && !names.some(({ type }) => type === 'email')) yield { type: 'email', value: address }
}

/** What is doubtful is not permitted, and is excluded. */
function within(claim: Claim, subtree: ReadSubtree, kind: keyof ReadNameConstraints): boolean {
  if (claim.type === 'dns' && subtree.type === 'dns') return dnsWithin(claim.value, subtree.value, kind)
  if (claim.type === 'email' && subtree.type === 'email') return emailWithin(claim.value, subtree.value)
  if (claim.type === 'uri' && subtree.type === 'uri') {
    const host = hostOf(claim.value)
    return host === undefined ? kind === 'excluded' : hostWithin(host, subtree.value)
  }
  if (claim.type === 'ip' && subtree.type === 'ip') return addressWithin(claim.value, subtree.value)
  if (claim.type === 'directory' && subtree.type === 'directory') {
    const [name, base] = [claim.value.rdns, subtree.value.rdns]
    return base.every((rdn, i) => {
      if (name[i] === undefined) return false
      // Without its text a value cannot be compared.
      if (rdn.includes('=#') || name[i].includes('=#')) return kind === 'excluded'
      return rdn.toLowerCase() === name[i].toLowerCase()
    })
  }
  return false
}

/** A wildcard is also excluded by what lies within it. */
function dnsWithin(name: string, base: string, kind: keyof ReadNameConstraints): boolean {
  const [host, domain] = [name.toLowerCase(), base.toLowerCase().replace(/^\./, '')]
  if (domain === '' || host === domain || host.endsWith(`.${domain}`)) return true
  return kind === 'excluded' && host.startsWith('*.') && domain.endsWith(host.slice(1))
}

/** `a@b` is one address, `b` all of a host, `.b` all of the hosts below it. */
function emailWithin(name: string, base: string): boolean {
  const at = name.lastIndexOf('@')
  if (!base.includes('@')) return hostWithin(name.slice(at + 1), base)
  const host = base.lastIndexOf('@')
  return name.slice(0, at) === base.slice(0, host) && hostWithin(name.slice(at + 1), base.slice(host + 1))
}

function hostWithin(name: string, base: string): boolean {
  const [host, domain] = [name.toLowerCase(), base.toLowerCase()]
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain
}

function hostOf(uri: string): string | undefined {
  return URL.canParse(uri) ? new URL(uri).hostname || undefined : undefined
}

function addressWithin(address: Uint8Array, base: Uint8Array): boolean {
  if (base.length !== 2 * address.length) return false
  return address.every((octet, i) => (octet & base[address.length + i]!) === (base[i]! & base[address.length + i]!))
}

function show(claim: Claim): string {
  if (claim.type === 'directory') return `"${claim.value.text}"`
  return claim.type === 'ip' ? `the address ${[...claim.value].join('.')}` : `"${claim.value}"`
}
