import { isSignatureAlgorithm } from '@gridseal/pqc'
import type { SignatureAlgorithm } from '@gridseal/pqc'
import { parseEndpoint } from '@gridseal/transport'
import { describeError } from '@gridseal/wire'
import { z } from 'zod'
import { parseDuration, parseSize } from './units.ts'

// What several parts of a configuration are made of.

/** Longest time that a timer takes. */
const MAX_DURATION = 2 ** 31 - 1

export const text: z.ZodString = z.string().min(1)

export function parsed<T>(parse: (text: string) => T): z.ZodType<T, string | number> {
  return z.union([z.string(), z.number()]).transform((value, context): T => {
    try {
      return parse(String(value))
    } catch (error) {
      context.addIssue({ code: 'custom', message: describeError(error) })
      return z.NEVER
    }
  })
}

export const duration: z.ZodType<number, string | number> = parsed(parseDuration).refine(
  (ms) => ms <= MAX_DURATION,
  'at most 24 days',
)
export const size: z.ZodType<number, string | number> = parsed(parseSize)

/** A point in time, `2026-07-01` or `2026-07-01T12:00:00Z`; ms since 1970-01-01 UTC. */
export const timestamp: z.ZodType<number, string> = z.string().transform((value, context): number => {
  const time = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z)?$/.test(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(time)) context.addIssue({ code: 'custom', message: 'a time is written 2026-07-01T12:00:00Z' })
  return time
})

export const signatureAlgorithm: z.ZodType<SignatureAlgorithm, string> = z
  .string()
  .transform((value, context): SignatureAlgorithm => {
    if (isSignatureAlgorithm(value)) return value
    context.addIssue({ code: 'custom', message: `"${value}" is no signature algorithm, such as ML-DSA-65` })
    return z.NEVER
  })

/** A transport URL of one of `schemes`. */
export function url(...schemes: string[]): z.ZodType<string, string> {
  return z.string().superRefine((value, context) => {
    try {
      if (!schemes.includes(parseEndpoint(value).kind)) {
        context.addIssue({ code: 'custom', message: `allowed: ${schemes.map((s) => `${s}://`).join(', ')}` })
      }
    } catch (error) {
      context.addIssue({ code: 'custom', message: describeError(error) })
    }
  })
}
