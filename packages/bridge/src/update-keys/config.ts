import { z } from 'zod'

// The keys of a DNP3 link that say how update keys of secure authentication (SAv5) are agreed on and where they go.

/** How a field bridge changes the key at the outstation: g120, method 4, as the authority would. */
export interface OutstationKeyChange {
  /** The name that the outstation goes by in key changes. */
  readonly outstation: string
  /** File with the authority's key, 64 hex digits, its owner's alone. */
  readonly authority: string
  /** Link address of the master whose key it is, and of the outstation. */
  readonly local: number
  readonly remote: number
  /** Milliseconds for all of it. */
  readonly timeout: number
}

/** One user of the outstation behind a link, on the field bridge. */
export interface FieldUpdateKey {
  readonly user: string
  /** Change the key over DNP3. */
  readonly install?: OutstationKeyChange | undefined
  /** Or hand it to an outstation beside this bridge: its key file. */
  readonly file?: string | undefined
  /** With `file`: the user's number there. */
  readonly number: number
}

/** One user of the outstation behind a link, on the head-end. */
export interface HeadEndUpdateKey {
  readonly user: string
  /** The master's key file. */
  readonly file: string
  /** Milliseconds after which a new key is agreed on. */
  readonly every: number
  /** First wait after a failure, milliseconds; it doubles up to `every`, an hour at most. */
  readonly retry: number
}

type Duration = z.ZodType<number, string | number>

const text = z.string().min(1).max(255)
const address = z.number().int().min(0).max(0xffef)

/** `duration`: how the configuration reads durations. */
export function fieldUpdateKeys(duration: Duration): z.ZodType<readonly FieldUpdateKey[]> {
  const install = z.strictObject({
    outstation: text,
    authority: text,
    local: address.default(1),
    remote: address,
    timeout: duration.default(10_000),
  })
  const one = z
    .strictObject({
      user: text,
      install: install.optional(),
      file: text.optional(),
      number: z.number().int().min(1).max(0xffff).default(1),
    })
    .refine((key) => (key.install === undefined) !== (key.file === undefined), 'either install or file is needed')
  return unique(z.array(one).min(1))
}

export function headEndUpdateKeys(duration: Duration): z.ZodType<readonly HeadEndUpdateKey[]> {
  const one = z.strictObject({
    user: text,
    file: text,
    every: duration.default(7 * 86_400_000),
    retry: duration.default(30_000),
  })
  return unique(z.array(one).min(1))
}

function unique<T extends { readonly user: string }>(list: z.ZodType<T[]>): z.ZodType<readonly T[]> {
  return list.refine(
    (keys) => new Set(keys.map(({ user }) => user)).size === keys.length,
    'a user is there twice',
  ) as z.ZodType<readonly T[]>
}
