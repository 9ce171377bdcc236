import { z } from 'zod'
import { duration, signatureAlgorithm, text, timestamp } from './fields.ts'
import type { AcceptConfig, PeerConfig, SigningConfig, TrustConfig } from './model.ts'

const DAY = 86_400_000

const window = {
  /** From then on, e.g. 2026-07-01T00:00:00Z; default always. */
  from: timestamp.optional(),
  /** Up to then; default for ever. */
  until: timestamp.optional(),
}

const token = z.strictObject({
  /** The PKCS#11 library. */
  library: text,
  /** Label of the token. */
  label: text,
  /** File with the PIN, its owner's alone. */
  pin: text,
  /** Name of the key. */
  name: text,
  /** Folder of the wrapped seeds, for keys that the token itself cannot hold. */
  folder: text,
})

const signingKey = z
  .strictObject({ file: text.optional(), token: token.optional(), ...window })
  .refine(({ file, token: inToken }) => (file === undefined) !== (inToken === undefined), 'either file or token')
  .refine(({ from = -Infinity, until = Infinity }) => from < until, 'from is before until')

/** What signs batches instead of the identity. */
export const signing: z.ZodType<SigningConfig | undefined> = z
  .strictObject({
    /** Of those whose window is open, the one that opened last signs. The old key signs the change. */
    keys: z.array(signingKey).min(1).max(8),
  })
  .optional()

const listed = z.strictObject({ file: text, ...window })

/** What batches of the peer must be. */
export const accept: z.ZodType<AcceptConfig> = z
  .strictObject({
    /** Public keys that may sign beside the pinned identity. */
    signers: z.array(listed).max(64).default([]),
    /** Keys that a trusted one has signed for: take all of them, or only those listed. */
    successors: z.enum(['signed', 'listed']).default('signed'),
    /** How long a key that has signed for its successor may still begin logs. */
    overlap: duration.default(3_600_000),
    /** Signature algorithms; default all that policy allows. */
    algorithms: z.array(signatureAlgorithm).min(1).optional(),
    /** How far ahead of our clock the peer's may be; default: not looked at. Live traffic beyond is not delivered. */
    clockSkew: duration.optional(),
    /** How old live traffic may be; older is not delivered, only kept as evidence. Default any. Needs clockSkew. */
    maxAge: duration.optional(),
  })
  .refine(({ clockSkew, maxAge }) => maxAge === undefined || clockSkew !== undefined, {
    path: ['maxAge'],
    message: 'needs clockSkew',
  })
  .prefault({})

const files = z
  .union([text, z.array(text).min(1).max(64)], 'a file, or a list of files')
  .transform((value) => (typeof value === 'string' ? [value] : value))

/** Who the far bridge is by its certificates, where its key is not pinned. */
export const trust: z.ZodType<TrustConfig | undefined> = z
  .strictObject({
    /** Certificates of those who vouch for it (PEM, several in a file if need be). */
    ca: files,
    /** A DNS name, IP address or URI that its certificate must name. */
    name: text,
    /** Revocation lists (PEM). */
    crl: files.optional(),
    /** Every certificate below a CA of ours must be covered by a current list; default: where there are lists. */
    requireRevocation: z.boolean().optional(),
    /** While a channel is open the files are read and the peer is judged anew this often; a day at most. */
    recheck: duration.refine((ms) => ms > 0 && ms <= DAY, 'more than nothing, and a day at most').default(3_600_000),
  })
  .transform(({ crl = [], requireRevocation = crl.length > 0, ...rest }) => ({ ...rest, crl, requireRevocation }))
  .optional()

/** What is wrong with who the far bridge is, or undefined: a key or certificates, not both. */
export function peerProblem({ peer, trust: certified }: PeerConfig): string | undefined {
  if (peer === undefined && certified === undefined) return 'missing: the file of its public key, or trust instead'
  if (peer !== undefined && certified !== undefined)
    return 'either the key is pinned (peer) or certificates say (trust)'
  return undefined
}
