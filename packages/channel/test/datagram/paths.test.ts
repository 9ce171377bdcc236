import { expect } from 'chai'
import { Paths } from '#src/datagram/paths.ts'
import type { PathOptions } from '#src/datagram/paths.ts'

const [FIRST, SECOND, THIRD] = ['udp://10.0.0.1:1', 'udp://10.0.1.1:1', 'udp://10.0.2.1:1'].map((address, link) => ({
  link,
  address,
}))
let drawn = 0
const OPTIONS: PathOptions = {
  use: 'failover',
  paths: [FIRST!],
  drives: false,
  interval: 1000,
  patience: 100,
  random: (count) => new Uint8Array(count).fill(++drawn),
}
const ELSEWHERE = { link: 0, address: 'udp://10.9.9.9:9' }
const paths = (changes: Partial<PathOptions> = {}): Paths => new Paths({ ...OPTIONS, ...changes }, 0)

describe('channel over datagrams: paths', () => {
  it('a new address is used after a newer record from it and an answer to a challenge, not before', () => {
    const some = paths()
    some.heard(ELSEWHERE, 500, true, 10)
    expect(some.active).to.deep.include(FIRST!)
    const [probe] = some.due(10)
    expect(probe!.path).to.deep.include(ELSEWHERE)
    some.answered(new Uint8Array(8).fill(0xff))
    expect(some.active, 'another answer').to.deep.include(FIRST!)
    some.answered(probe!.value)
    expect([some.active.address, some.changes]).to.deep.equal([ELSEWHERE.address, 1])
  })

  it('a new address from which only older records or probes came is not followed', () => {
    const some = paths()
    some.heard(ELSEWHERE, 500, false, 10)
    const [probe] = some.due(10)
    some.answered(probe!.value)
    expect(some.active).to.deep.include(FIRST!)
  })

  it('an address that is not validated gets at most three times of what came from it', () => {
    const some = paths()
    some.heard(ELSEWHERE, 100, true, 10)
    expect([some.spend(ELSEWHERE, 150), some.spend(ELSEWHERE, 150), some.spend(ELSEWHERE, 1)]).to.deep.equal([
      true,
      true,
      false,
    ])
    some.heard(ELSEWHERE, 1, true, 11)
    expect([some.spend(ELSEWHERE, 3), some.spend(ELSEWHERE, 1)]).to.deep.equal([true, false])
    some.answered(some.due(11)[0]!.value)
    expect(some.spend(ELSEWHERE, 100_000)).to.equal(true)
    expect(some.spend({ link: 0, address: 'nowhere' }, 1), 'unknown').to.equal(false)
  })

  it('an address that does not answer three challenges is forgotten', () => {
    const some = paths()
    some.heard(ELSEWHERE, 1000, true, 0)
    const times: number[] = []
    for (let wake = some.wake; wake !== Number.POSITIVE_INFINITY && times.length < 9; wake = some.wake) {
      const now = Math.max(0, wake)
      if (some.due(now).length > 0) times.push(now)
    }
    expect(times).to.deep.equal([0, 100, 300])
    expect(some.spend(ELSEWHERE, 1)).to.equal(false)
  })

  it('of many new addresses eight are kept, the active one among them', () => {
    const some = paths()
    for (let n = 0; n < 100; n++) some.heard({ link: 0, address: `udp://10.0.3.${n}:1` }, 100, true, n)
    expect(some.due(1000)).to.have.length(7)
    expect(some.spend(FIRST!, 1)).to.equal(true)
  })

  it('failover: one at a time; the next that works when the active one does not answer, and back', () => {
    const some = paths({ drives: true, paths: [FIRST!, SECOND!, THIRD!] })
    expect(some.targets(0).map(({ link }) => link)).to.deep.equal([0])
    for (let now = 0; now <= 2000; now += 1000) {
      for (const { path, value } of some.due(now)) if (path.link === 2) some.answered(value)
    }
    expect(
      some.targets(2000).map(({ link }) => link),
      'the second is as dead as the first',
    ).to.deep.equal([2])
    for (let now = 3000; now <= 4000; now += 1000) {
      for (const { path, value } of some.due(now)) if (path.link === 0) some.answered(value)
    }
    expect(some.active.link).to.equal(0)
  })

  it('failover: the responder follows the newest record', () => {
    const some = paths({ paths: [FIRST!] })
    some.heard(SECOND!, 100, false, 0)
    some.answered(some.due(0)[0]!.value)
    some.heard(SECOND!, 100, true, 1)
    expect(some.active.link).to.equal(1)
    some.heard(FIRST!, 100, false, 2)
    expect(some.active.link, 'older').to.equal(1)
    some.heard(FIRST!, 100, true, 3)
    expect(some.active.link).to.equal(0)
  })

  it('redundant: all that were configured, and of others all that are alive', () => {
    const some = paths({ use: 'redundant', drives: true, paths: [FIRST!, SECOND!] })
    expect(some.targets(0).map(({ link }) => link)).to.deep.equal([0, 1])
    for (let now = 0; now <= 3000; now += 1000) {
      for (const { path, value } of some.due(now)) if (path.link === 0) some.answered(value)
    }
    expect(some.targets(3000).map(({ link }) => link)).to.deep.equal([0, 1])
    const other = paths({ use: 'redundant', paths: [FIRST!] })
    other.heard(SECOND!, 100, true, 0)
    expect(other.targets(0).map(({ link }) => link)).to.deep.equal([0])
    other.answered(other.due(0)[0]!.value)
    expect(other.targets(0).map(({ link }) => link)).to.deep.equal([0, 1])
    other.heard(FIRST!, 100, true, 5000)
    expect(
      other.targets(5000).map(({ link }) => link),
      'silent for too long',
    ).to.deep.equal([0])
  })
})
