import { CLOSED_LINK, stepLink } from '@gridseal/transport'
import type { Backoff, LinkEffect, LinkInput, LinkMachine } from '@gridseal/transport'
import { expect } from 'chai'
import fc from 'fast-check'

const BACKOFF: Backoff = { base: 250, max: 30_000, resetAfter: 30_000 }

/** Plays inputs and tells, line by line, the state after each and what has to be done. */
function play(...script: readonly (readonly [now: number, input: LinkInput, random?: number])[]): string[] {
  let state: LinkMachine = CLOSED_LINK
  return script.map(([now, input, random = 0.5]) => {
    const step = stepLink(state, input, now, random, BACKOFF)
    state = step.state
    return [input, '->', state.name, ...step.effects.map(effectText)].join(' ')
  })
}

function effectText(effect: LinkEffect): string {
  return effect.kind === 'wake' ? `wake(${effect.after})` : effect.kind
}

type Busy = 'nothing' | 'attempt' | 'connection'

describe('the state machine of a link', () => {
  it('opens, hands the connection out, and ends it when stopped', () => {
    expect(play([0, 'start'], [10, 'opened'], [20, 'stop'], [30, 'lost'])).to.deep.equal([
      'start -> opening open',
      'opened -> ready announce',
      'stop -> closed end',
      'lost -> closed',
    ])
  })

  it('doubles the longest wait from 250 ms to 30 s; the wait is anything up to it (full jitter)', () => {
    const waits = Array.from({ length: 10 }, (_, attempt) => {
      const opening: LinkMachine = { name: 'opening', attempt }
      return [0, 0.5, 0.999_999].map((random) => {
        const { state, effects } = stepLink(opening, 'failed', 1000, random, BACKOFF)
        const [effect] = effects
        if (effect?.kind !== 'wake' || state.name !== 'backing-off') return Number.NaN
        expect(state).to.deep.equal({ name: 'backing-off', attempt: attempt + 1, until: 1000 + effect.after })
        return Math.round(effect.after)
      })
    })
    expect(waits).to.deep.equal([
      [0, 125, 250],
      [0, 250, 500],
      [0, 500, 1000],
      [0, 1000, 2000],
      [0, 2000, 4000],
      [0, 4000, 8000],
      [0, 8000, 16000],
      [0, 15000, 30000],
      [0, 15000, 30000],
      [0, 15000, 30000],
    ])
  })

  it('stays within the limit after any number of attempts', () => {
    const { effects } = stepLink({ name: 'opening', attempt: 5000 }, 'failed', 0, 0.999, BACKOFF)
    expect(effects).to.deep.equal([{ kind: 'wake', after: 29_970 }])
  })

  it('tries again when the wait is over, and waits on when the timer was early', () => {
    expect(play([0, 'start'], [1, 'failed'], [100, 'due'], [126, 'due'], [130, 'opened'])).to.deep.equal([
      'start -> opening open',
      'failed -> backing-off wake(125)',
      'due -> backing-off wake(26)',
      'due -> opening open',
      'opened -> ready announce',
    ])
  })

  it('goes on doubling when a connection does not last', () => {
    expect(play([0, 'start'], [0, 'failed'], [125, 'due'], [130, 'opened'], [30_129, 'lost']).at(-1)).to.equal(
      'lost -> backing-off wake(250)',
    )
  })

  it('begins anew when a connection has lasted', () => {
    expect(play([0, 'start'], [0, 'failed'], [125, 'due'], [130, 'opened'], [30_130, 'lost']).at(-1)).to.equal(
      'lost -> backing-off wake(125)',
    )
  })

  it('gives an attempt up when stopped; what it yields too late is destroyed, and only then it may try again', () => {
    expect(play([0, 'start'], [1, 'stop'], [2, 'start'], [3, 'opened'], [4, 'lost'])).to.deep.equal([
      'start -> opening open',
      'stop -> closed abort',
      'start -> closed',
      'opened -> closed discard',
      'lost -> opening open',
    ])
  })

  it('opens again after a stop only when the old connection has ended (a serial port opens once)', () => {
    expect(play([0, 'start'], [1, 'opened'], [2, 'stop'], [3, 'start'], [4, 'lost'])).to.deep.equal([
      'start -> opening open',
      'opened -> ready announce',
      'stop -> closed end',
      'start -> closed',
      'lost -> opening open',
    ])
  })

  it('takes the last word of start and stop', () => {
    expect(play([0, 'start'], [1, 'opened'], [2, 'stop'], [3, 'start'], [4, 'stop'], [5, 'lost']).at(-1)).to.equal(
      'lost -> closed',
    )
  })

  it('forgets the wake-up when stopped while it waits', () => {
    expect(play([0, 'start'], [1, 'failed'], [2, 'stop'], [200, 'due'])).to.deep.equal([
      'start -> opening open',
      'failed -> backing-off wake(125)',
      'stop -> closed cancel-wake',
      'due -> closed',
    ])
  })

  it('never has two attempts or connections at once, whatever happens', () => {
    const wish = fc.constantFrom('start', 'stop', 'world', 'bad-world')
    fc.assert(
      fc.property(fc.array(wish, { maxLength: 60 }), (wishes) => {
        let state: LinkMachine = CLOSED_LINK
        let busy = 'nothing' as Busy
        let waking = false
        const feed = (input: LinkInput): void => {
          const step = stepLink(state, input, 0, 0, BACKOFF)
          state = step.state
          for (const effect of step.effects) {
            if (effect.kind === 'open') {
              expect(busy).to.equal('nothing')
              expect(waking).to.equal(false)
              busy = 'attempt'
            }
            if (effect.kind === 'wake') waking = true
            if (effect.kind === 'cancel-wake') waking = false
          }
        }
        for (const what of wishes) {
          if (what === 'start' || what === 'stop') feed(what)
          else if (busy === 'attempt') {
            busy = what === 'world' ? 'connection' : 'nothing'
            feed(what === 'world' ? 'opened' : 'failed')
          } else if (busy === 'connection') {
            busy = 'nothing'
            feed('lost')
          } else if (waking) {
            waking = false
            feed('due')
          }
        }
        // Nothing is left hanging: a link that is wanted open has something under way.
        const { name } = state as LinkMachine
        if (name !== 'closed') expect(busy !== 'nothing' || waking).to.equal(true)
        if (name === 'ready') expect(busy).to.equal('connection')
      }),
      { numRuns: 1000 },
    )
  })
})
