import { execFileSync } from 'node:child_process'
import type { ExecFileSyncOptionsWithStringEncoding } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect } from 'chai'
import { needPeer } from '../../../../test/support/requirements.ts'

const MODEL = resolve(import.meta.dirname, '../../model/handshake.pml')

/** What SPIN says of the model with these definitions, over all its states. */
function check(folder: string, ...definitions: string[]): { errors: number; states: number; complaint: string } {
  const options: ExecFileSyncOptionsWithStringEncoding = { cwd: folder, encoding: 'utf8', stdio: 'pipe' }
  execFileSync('spin', [...definitions.map((name) => `-D${name}`), '-a', MODEL], options)
  execFileSync('gcc', ['-O0', '-w', '-DSAFETY', '-DNOREDUCE', '-o', 'pan', 'pan.c'], options)
  const output = execFileSync(join(folder, 'pan'), ['-m100000'], options)
  expect(output, 'the search was complete').not.to.match(/max search depth too small|out of memory/)
  return {
    errors: Number(/errors: (\d+)/.exec(output)?.[1]),
    states: Number(/(\d+) states, stored/.exec(output)?.[1]),
    complaint: /pan:\d+: (assertion violated|invalid end state)/.exec(output)?.[1] ?? '',
  }
}

describe('channel: the handshake under a model checker', () => {
  let folder: string

  before(function () {
    needPeer(this, 'spin', 'gcc')
    folder = mkdtempSync(join(tmpdir(), 'gridseal-spin-'))
  })

  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true })
  })

  it('both ends agree on everything, and the attacker does not know their keys', () => {
    const { errors, states } = check(folder)
    expect(errors).to.equal(0)
    expect(states).to.be.greaterThan(200)
  }).timeout(60_000)

  it('both ends are established where the network only delivers: there is no deadlock', () => {
    expect(check(folder, 'HONEST').errors).to.equal(0)
  }).timeout(60_000)

  for (const control of ['NAMES', 'OFFER', 'KEYS', 'SIGNATURES', 'CONFIRM']) {
    it(`the model can fail: without ${control.toLowerCase()} an attack is found`, () => {
      const { errors, complaint } = check(folder, `WITHOUT_${control}`)
      expect([errors > 0, complaint]).to.deep.equal([true, 'assertion violated'])
    }).timeout(60_000)
  }
})
