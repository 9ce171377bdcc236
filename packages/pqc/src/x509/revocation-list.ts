import { BER, BerReader, BerWriter, DecodeError, UsageError, contextConstructed, contextTag } from '@gridseal/wire'
import type { SignatureAlgorithm } from '../algorithms/info.ts'
import { needBytes } from '../check.ts'
import { decodePem, encodePem } from '../keys/pem.ts'
import type { VerifyingKey } from '../keys/verifying-key.ts'
import { needDate, readSignatureAlgorithm, readSigned, readTime, verifyX509, writeSignatureAlgorithm } from './asn1.ts'
import { writeTime } from './asn1.ts'
import type { SignedParts } from './asn1.ts'
import { keyIdentifier, readSerial, wrapSigned, writeAnyName } from './certificate.ts'
import type { Issuer } from './certificate.ts'
import { extension, readPointName, writePointName } from './extensions.ts'
import { readName } from './name.ts'
import type { ReadName } from './name.ts'
import { EXTENSIONS } from './oids.ts'

/*
 * Revocation lists (RFC 5280 5), in shards: ten million meters do not fit into one list that a gateway fetches. A
 * certificate names the URI of its shard; the list of a shard says in its IssuingDistributionPoint which one it is, so
 * that one cannot be passed off as another.
 */

const MAX_LIST = 16 * 1024 * 1024

/** The shard of a serial number (hex) among `shards`: equal parts of the number space. */
export function shardOf(serial: string, shards: number): number {
  if (!Number.isInteger(shards) || shards < 1 || shards > 65_536) {
    throw new UsageError('pqc.argument.range', 'shards must be 1 to 65536')
  }
  // The last four octets: serial numbers of ours are random.
  return Number.parseInt(serial.slice(-8), 16) % shards
}

export interface Revoked {
  /** Hex, as in {@link Certificate.serial}. */
  readonly serial: string
  readonly date: Date
}

/** A revocation list. Immutable; verify it with {@link isSignedBy} before it is believed. */
export class RevocationList {
  readonly der: Uint8Array
  readonly issuer: ReadName
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  /** URI of the shard that it covers; undefined where it covers all certificates of its issuer. */
  readonly shard: string | undefined
  readonly number: bigint | undefined
  /** Critical extensions that are not known: who verifies must refuse. */
  readonly unknownCritical: readonly string[]
  readonly #serials = new Map<string, Date>()
  readonly #parts: SignedParts

  private constructor(der: Uint8Array) {
    if (der.length > MAX_LIST) throw new DecodeError('pqc.x509.limit', 0, 'CertificateList', 'the list is too long')
    this.#parts = readSigned(BerReader.of(der, { der: true }), 'CertificateList')
    const { signed, algorithm } = this.#parts
    const tbs = BerReader.of(signed, { der: true }, signed.byteOffset - der.byteOffset).enter(BER.SEQUENCE, 'tbs')
    const version = tbs.integer('version')
    if (version !== 1) throw tbs.error('pqc.x509.version', 'version', `version ${version + 1} where 2 belongs`)
    const inner: SignatureAlgorithm = readSignatureAlgorithm(tbs, 'signature')
    if (inner !== algorithm) throw tbs.error('pqc.x509.algorithm', 'signature', `${inner} inside, ${algorithm} outside`)
    this.issuer = readName(tbs, 'issuer')
    this.thisUpdate = readTime(tbs, 'thisUpdate')
    // RFC 5280 5.1.2.5 requires it, though its syntax does not.
    this.nextUpdate = readTime(tbs, 'nextUpdate')
    if (tbs.is(BER.SEQUENCE)) this.#readRevoked(tbs.enter(BER.SEQUENCE, 'revokedCertificates'))
    const { shard, number, unknownCritical } = readListExtensions(tbs)
    tbs.expectEnd('tbsCertList')
    this.shard = shard
    this.number = number
    this.unknownCritical = unknownCritical
    this.der = der
  }

  /** Strict DER. Throws `DecodeError`. The bytes are copied. */
  static fromDer(der: Uint8Array): RevocationList {
    needBytes(der, 'der')
    return new RevocationList(Uint8Array.from(der))
  }

  static fromPem(pem: string): RevocationList {
    return new RevocationList(decodePem(pem, 'X509 CRL'))
  }

  get size(): number {
    return this.#serials.size
  }

  isSignedBy(key: VerifyingKey): boolean {
    return key.algorithm === this.#parts.algorithm && verifyX509(key, this.#parts.signed, this.#parts.signature)
  }

  /** When a serial number was revoked. */
  revokedAt(serial: string): Date | undefined {
    return this.#serials.get(serial)
  }

  toPem(): string {
    return encodePem('X509 CRL', this.der)
  }

  #readRevoked(list: BerReader): void {
    while (!list.atEnd) {
      const entry = list.enter(BER.SEQUENCE, 'revokedCertificate')
      const serial = readSerial(entry)
      this.#serials.set(serial, readTime(entry, 'revocationDate'))
      if (!entry.atEnd) entry.skip('crlEntryExtensions')
      entry.expectEnd('revokedCertificate')
    }
  }
}

export interface RevocationListData {
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly number: bigint
  readonly revoked: readonly Revoked[]
  /** URI of the shard, as its certificates name it; none for a list of everything. */
  readonly shard?: string
}

/** Signs a revocation list. */
export async function issueRevocationList(data: RevocationListData, issuer: Issuer): Promise<RevocationList> {
  needDate(data.thisUpdate, 'thisUpdate')
  needDate(data.nextUpdate, 'nextUpdate')
  const tbs = new BerWriter(1024 + 48 * data.revoked.length)
    .constructed(BER.SEQUENCE, (w) => {
      w.integer(1)
      writeSignatureAlgorithm(w, issuer.signer.publicKey.algorithm)
      writeAnyName(w, issuer.name)
      writeTime(w, data.thisUpdate)
      writeTime(w, data.nextUpdate)
      if (data.revoked.length > 0) {
        w.constructed(BER.SEQUENCE, (list) => {
          for (const { serial, date } of data.revoked) {
            if (!/^([0-9a-f]{2}){1,20}$/.test(serial)) {
              throw new UsageError('pqc.x509.serial', `"${serial}" is not a serial number in hex`)
            }
            list.constructed(BER.SEQUENCE, (entry) => {
              entry.integer(BigInt(`0x${serial}`))
              writeTime(entry, date)
            })
          }
        })
      }
      w.constructed(contextConstructed(0), (wrapper) =>
        wrapper.constructed(BER.SEQUENCE, (list) => {
          const identifier = keyIdentifier(issuer.signer.publicKey.toSpki())
          extension(list, 'authorityKeyIdentifier', false, (v) =>
            v.constructed(BER.SEQUENCE, (s) => s.octetString(identifier, contextTag(0))),
          )
          extension(list, 'crlNumber', false, (v) => v.integer(data.number))
          const { shard } = data
          if (shard !== undefined) {
            extension(list, 'issuingDistributionPoint', true, (v) =>
              v.constructed(BER.SEQUENCE, (point) => writePointName(point, shard)),
            )
          }
        }),
      )
    })
    .finish()
  return RevocationList.fromDer(await wrapSigned(tbs, issuer.signer))
}

interface ListExtensions {
  readonly shard: string | undefined
  readonly number: bigint | undefined
  readonly unknownCritical: readonly string[]
}

function readListExtensions(tbs: BerReader): ListExtensions {
  let shard: string | undefined
  let number: bigint | undefined
  const unknownCritical: string[] = []
  if (!tbs.is(contextConstructed(0))) return { shard, number, unknownCritical }
  const list = tbs.enter(contextConstructed(0), 'crlExtensions').enter(BER.SEQUENCE, 'crlExtensions')
  while (!list.atEnd) {
    const entry = list.enter(BER.SEQUENCE, 'extension')
    const oid = entry.oid('extnID')
    const critical = entry.is(BER.BOOLEAN) ? entry.boolean('critical') : false
    const value = BerReader.of(entry.contents(BER.OCTET_STRING, 'extnValue'), { der: true }, entry.offset)
    entry.expectEnd('extension')
    if (oid === EXTENSIONS.crlNumber) number = value.bigInteger('cRLNumber')
    else if (oid === EXTENSIONS.issuingDistributionPoint) {
      const point = value.enter(BER.SEQUENCE, 'issuingDistributionPoint')
      shard = readPointName(point)
      // Lists for only some certificates or reasons are not understood.
      if (shard === undefined || !point.atEnd) unknownCritical.push(oid)
    } else if (critical) unknownCritical.push(oid)
  }
  return { shard, number, unknownCritical }
}
