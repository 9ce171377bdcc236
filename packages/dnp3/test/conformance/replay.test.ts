import { existsSync } from 'node:fs'
import { expect } from 'chai'
import { needFolder } from '../../../../test/support/requirements.ts'
import { CONFORMANCE, meaningOf, procedures, replay } from '../support/conformance.ts'
import type { Replayed } from '../support/conformance.ts'
import { DEVIATIONS, UNREAD } from './deviations.ts'

/**
 * The certification procedures of Subset Level 2 as they were run against another outstation: requests and inputs go into ours,
 * and every answer is compared with the recorded one by meaning.
 */
describe('DNP3 certification procedures, replayed', () => {
  before(function () {
    needFolder(this, CONFORMANCE)
  })

  if (!existsSync(CONFORMANCE)) {
    it('are not here')
    return
  }

  const used = new Set<unknown>()
  let compared = 0
  for (const procedure of procedures()) {
    if (procedure.steps.every(({ events }) => events.length === 0)) continue
    it(`${procedure.id} ${procedure.title}`, () => {
      for (const pair of replay(procedure).pairs) {
        compared++
        check(pair, used)
      }
    })
  }

  it('every procedure that the recorded outstation has passed was compared, no deviation is listed in vain', () => {
    const run = procedures().filter(({ steps }) => steps.some(({ events }) => events.length > 0))
    expect(run.map(({ result_of_opendnp3: result }) => result)).to.deep.equal(run.map(() => 'pass'))
    expect(run.length).to.be.at.least(70)
    expect(compared).to.be.above(250)
    expect(DEVIATIONS.filter((deviation) => !used.has(deviation))).to.be.empty
  })

  describe('what the equipment was told to do', () => {
    const operated = (id: string): string[] => replay(procedures().find((one) => one.id === id)!).operated

    it('an OPERATE that came twice is carried out once (8.2.1.2.13, 8.4.1.2.10)', () => {
      expect(operated('8.2.1.2.13')).to.have.length(1)
      expect(operated('8.4.1.2.10')).to.have.length(1)
    })
    it('another point, another time, another qualifier than SELECT: nothing (8.2.1.2.5, .7, .9, 8.4.1.2.6)', () => {
      for (const id of ['8.2.1.2.5', '8.2.1.2.7', '8.2.1.2.9', '8.4.1.2.6']) expect(operated(id), id).to.be.empty
    })
    it('too late, or out of sequence: nothing (8.4.1.2.4, 8.2.1.2.15, 8.4.1.2.12)', () => {
      for (const id of ['8.4.1.2.4', '8.2.1.2.15', '8.4.1.2.12']) expect(operated(id), id).to.be.empty
    })
    it('DIRECT_OPERATE_NR, also broadcast: carried out without an answer (8.2.3.2.1, 8.6.5.3)', () => {
      expect(operated('8.2.3.2.1')).to.deep.equal(['binary 0'])
      expect(operated('8.6.5.3')).to.have.length(1)
    })
    it('outputs that are not there: nothing (8.2.3.2.3, 8.4.3.2.3)', () => {
      for (const id of ['8.2.3.2.3', '8.4.3.2.3']) expect(operated(id), id).to.be.empty
    })
  })
})

function check({ procedure, step, at, recorded, ours }: Replayed, used: Set<unknown>): void {
  if (recorded === undefined && UNREAD[procedure] !== undefined) return
  const [theirs, mine] = [meaningOf(recorded), meaningOf(ours)]
  if (theirs.join('\n') === mine.join('\n')) return
  const added = mine.filter((line) => !theirs.includes(line))
  const missing = theirs.filter((line) => !mine.includes(line))
  const deviation = DEVIATIONS.find(
    (one) =>
      one.procedure === procedure &&
      one.steps.includes(step) &&
      one.ours.join() === added.join() &&
      one.recorded.join() === missing.join(),
  )
  used.add(deviation)
  const text = (lines: readonly string[], sign: string): string => lines.map((line) => `\n  ${sign} ${line}`).join('')
  if (deviation === undefined) {
    expect.fail(`${procedure} step ${step} at ${at}:${text(missing, '-')}${text(added, '+')}\nours:${text(mine, ' ')}`)
  }
}
