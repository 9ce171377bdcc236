import { execFileSync } from 'node:child_process'
import type { ExecFileSyncOptionsWithStringEncoding } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect } from 'chai'
import { needPeer } from '../../../../test/support/requirements.ts'

/** What SPIN says of a model with these definitions, over all its states. */
function check(
  folder: string,
  name: 'handshake' | 'datagram',
  ...definitions: string[]
): { errors: number; states: number; complaint: string } {
  const model = resolve(import.meta.dirname, `../../model/${name}.pml`)
  const options: ExecFileSyncOptionsWithStringEncoding = { cwd: folder, encoding: 'utf8', stdio: 'pipe' }
  execFileSync('spin', [...definitions.map((each) => `-D${each}`), '-a', model], options)
  execFileSync('gcc', ['-O0', '-w', '-DSAFETY', '-DNOREDUCE', '-o', 'pan', 'pan.c'], options)
  const output = execFileSync(join(folder, 'pan'), ['-m100000', '-w20'], options)
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
    const { errors, states } = check(folder, 'handshake')
    expect(errors).to.equal(0)
    expect(states).to.be.greaterThan(200)
  }).timeout(60_000)

  it('both ends are established where the network only delivers: there is no deadlock', () => {
    expect(check(folder, 'handshake', 'HONEST').errors).to.equal(0)
  }).timeout(60_000)

  for (const control of ['NAMES', 'OFFER', 'KEYS', 'SIGNATURES', 'CONFIRM']) {
    it(`the model can fail: without ${control.toLowerCase()} an attack is found`, () => {
      const { errors, complaint } = check(folder, 'handshake', `WITHOUT_${control}`)
      expect([errors > 0, complaint]).to.deep.equal([true, 'assertion violated'])
    }).timeout(60_000)
  }

  it('over packets: nothing for addresses that have not shown that they hear, keys once, the best suite', () => {
    const { errors, states } = check(folder, 'datagram')
    expect(errors).to.equal(0)
    expect(states).to.be.greaterThan(10_000)
  }).timeout(120_000)

  it('over packets that get lost and doubled both ends are established: there is no deadlock', () => {
    expect(check(folder, 'datagram', 'HONEST').errors).to.equal(0)
  }).timeout(60_000)

  for (const [control, complaint, ...others] of [
    ['ADDRESS', 'assertion violated'],
    ['TOKEN', 'assertion violated'],
    ['MEMORY', 'assertion violated'],
    ['REPEAT', 'invalid end state', 'HONEST'],
    ['TIMER', 'invalid end state', 'HONEST'],
  ] as const) {
    it(`over packets the model can fail: without ${control.toLowerCase()}`, () => {
      const found = check(folder, 'datagram', `WITHOUT_${control}`, ...others)
      expect([found.errors > 0, found.complaint]).to.deep.equal([true, complaint])
    }).timeout(60_000)
  }
})
