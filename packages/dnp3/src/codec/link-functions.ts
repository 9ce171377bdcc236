/**
 * The link layer's functions as data (IEEE 1815 clause 9): a frame's control octet is DIR, PRM, FCB, FCV or DFC, and
 * one of these. Only user data carries user data, and then at least one octet.
 */
export interface LinkFunction {
  readonly code: number
  readonly name: string
  /** Value that FCV must have in a primary frame. */
  readonly fcv: 0 | 1
  readonly userData: boolean
  /** Withdrawn from the standard; a receiver may refuse it. */
  readonly obsolete: boolean
}

const link = (code: number, name: string, rules: Partial<LinkFunction> = {}): LinkFunction => ({
  code,
  name,
  fcv: 0,
  userData: false,
  obsolete: false,
  ...rules,
})

/** Functions of primary frames (PRM = 1). */
export const PRIMARY_FUNCTIONS: readonly LinkFunction[] = [
  link(0, 'RESET_LINK_STATES'),
  link(1, 'RESET_USER_PROCESS', { obsolete: true }),
  link(2, 'TEST_LINK_STATES', { fcv: 1 }),
  link(3, 'CONFIRMED_USER_DATA', { fcv: 1, userData: true }),
  link(4, 'UNCONFIRMED_USER_DATA', { userData: true }),
  link(9, 'REQUEST_LINK_STATUS'),
]

/** Functions of secondary frames (PRM = 0). */
export const SECONDARY_FUNCTIONS: readonly LinkFunction[] = [
  link(0, 'ACK'),
  link(1, 'NACK'),
  link(11, 'LINK_STATUS'),
  link(14, 'LINK_NOT_FUNCTIONING', { obsolete: true }),
  link(15, 'NOT_SUPPORTED'),
]

const byCode = (rows: readonly LinkFunction[]): readonly (LinkFunction | undefined)[] =>
  Array.from({ length: 16 }, (_, code) => rows.find((row) => row.code === code))

const PRIMARY = byCode(PRIMARY_FUNCTIONS)
const SECONDARY = byCode(SECONDARY_FUNCTIONS)

/** The function of a frame, or undefined for a reserved code. */
export function linkFunctionOf(primary: boolean, code: number): LinkFunction | undefined {
  return (primary ? PRIMARY : SECONDARY)[code]
}

/** The codes that {@link LinkFrame.function} takes, by name. */
export const LINK: {
  readonly RESET_LINK_STATES: 0
  readonly TEST_LINK_STATES: 2
  readonly CONFIRMED_USER_DATA: 3
  readonly UNCONFIRMED_USER_DATA: 4
  readonly REQUEST_LINK_STATUS: 9
  readonly ACK: 0
  readonly NACK: 1
  readonly LINK_STATUS: 11
  readonly NOT_SUPPORTED: 15
} = {
  RESET_LINK_STATES: 0,
  TEST_LINK_STATES: 2,
  CONFIRMED_USER_DATA: 3,
  UNCONFIRMED_USER_DATA: 4,
  REQUEST_LINK_STATUS: 9,
  ACK: 0,
  NACK: 1,
  LINK_STATUS: 11,
  NOT_SUPPORTED: 15,
}
