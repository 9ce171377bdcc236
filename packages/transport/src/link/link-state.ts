/**
 * The life of a link as one pure function of (state, input, now, random).
 *
 * | state       | meaning                                     |
 * | ----------- | ------------------------------------------- |
 * | closed      | nobody wants it open                        |
 * | opening     | an attempt is under way                     |
 * | ready       | a connection is open                        |
 * | backing-off | the next attempt is due at a certain time   |
 *
 * There is never more than one attempt or connection: after a stop, what is left of the old one must end before a new
 * attempt is made, since a serial port cannot be opened twice.
 */
export type LinkState = 'closed' | 'opening' | 'ready' | 'backing-off'

export type LinkMachine =
  | {
      readonly name: 'closed'
      /** What a stop has left behind and has not ended yet. */
      readonly leftover: 'nothing' | 'attempt' | 'connection'
      /** Open again as soon as the leftover has ended. */
      readonly restart: boolean
    }
  | { readonly name: 'opening'; readonly attempt: number }
  | { readonly name: 'ready'; readonly attempt: number; readonly since: number }
  | { readonly name: 'backing-off'; readonly attempt: number; readonly until: number }

export type LinkInput =
  /** Somebody wants the link open, or no longer. */
  | 'start'
  | 'stop'
  /** The attempt made a connection, or did not. */
  | 'opened'
  | 'failed'
  /** The connection has ended, whatever the reason. */
  | 'lost'
  /** A wake-up asked for. */
  | 'due'

export type LinkEffect =
  /** Try to make a connection. */
  | { readonly kind: 'open' }
  /** Give the attempt up; it still has to report how it ended. */
  | { readonly kind: 'abort' }
  /** Hand the connection out. */
  | { readonly kind: 'announce' }
  /** Close the connection in good order. */
  | { readonly kind: 'end' }
  /** The connection came too late: destroy it. */
  | { readonly kind: 'discard' }
  /** Say `due` after so many milliseconds. */
  | { readonly kind: 'wake'; readonly after: number }
  | { readonly kind: 'cancel-wake' }

export interface Backoff {
  /** Longest wait before the first new attempt, milliseconds; it doubles with every attempt. */
  readonly base: number
  /** Longest wait ever, milliseconds. */
  readonly max: number
  /** A connection that has lived so many milliseconds makes the next wait the shortest again. */
  readonly resetAfter: number
}

export interface LinkStep {
  readonly state: LinkMachine
  readonly effects: readonly LinkEffect[]
}

export const CLOSED_LINK: LinkMachine = { name: 'closed', leftover: 'nothing', restart: false }

/**
 * One step. `now` is in milliseconds of a clock that never goes back, `random` is in [0, 1). An input that means
 * nothing in a state leaves it as it is.
 */
export function stepLink(
  state: LinkMachine,
  input: LinkInput,
  now: number,
  random: number,
  backoff: Backoff,
): LinkStep {
  switch (state.name) {
    case 'closed':
      return stepClosed(state, input)
    case 'opening':
      if (input === 'opened') return to({ name: 'ready', attempt: state.attempt, since: now }, { kind: 'announce' })
      if (input === 'failed') return backOff(state.attempt, now, random, backoff)
      if (input === 'stop') return to({ name: 'closed', leftover: 'attempt', restart: false }, { kind: 'abort' })
      return to(state)
    case 'ready':
      if (input === 'lost') {
        const lasted = now - state.since >= backoff.resetAfter
        return backOff(lasted ? 0 : state.attempt, now, random, backoff)
      }
      if (input === 'stop') return to({ name: 'closed', leftover: 'connection', restart: false }, { kind: 'end' })
      return to(state)
    case 'backing-off':
      if (input === 'stop') return to(CLOSED_LINK, { kind: 'cancel-wake' })
      if (input !== 'due') return to(state)
      if (now < state.until) return to(state, { kind: 'wake', after: state.until - now })
      return to({ name: 'opening', attempt: state.attempt }, { kind: 'open' })
  }
}

function stepClosed(state: LinkMachine & { name: 'closed' }, input: LinkInput): LinkStep {
  if (state.leftover === 'nothing') {
    return input === 'start' ? to({ name: 'opening', attempt: 0 }, { kind: 'open' }) : to(state)
  }
  switch (input) {
    case 'start':
      return to({ ...state, restart: true })
    case 'stop':
      return to({ ...state, restart: false })
    case 'opened':
      return to({ ...state, leftover: 'connection' }, { kind: 'discard' })
    case 'failed':
    case 'lost':
      return state.restart ? to({ name: 'opening', attempt: 0 }, { kind: 'open' }) : to(CLOSED_LINK)
    case 'due':
      return to(state)
  }
}

/** Full jitter: anything from nothing to the doubled base, so that a thousand devices do not come back at once. */
function backOff(attempt: number, now: number, random: number, { base, max }: Backoff): LinkStep {
  const after = random * Math.min(max, base * 2 ** attempt)
  return to({ name: 'backing-off', attempt: attempt + 1, until: now + after }, { kind: 'wake', after })
}

function to(state: LinkMachine, ...effects: readonly LinkEffect[]): LinkStep {
  return { state, effects }
}
