import type { MessageChannel } from '@gridseal/channel'
import { expect } from 'chai'
import { Lag } from '#src/site/lag.ts'

describe('a peer that sends more than the disk takes', () => {
  function channel(): { readonly said: string[]; readonly channel: MessageChannel } {
    const said: string[] = []
    const ends = { pause: () => said.push('pause'), resume: () => said.push('resume') }
    return { said, channel: ends as unknown as MessageChannel }
  }

  it('is not read until the disk has caught up by half, and is told each once', () => {
    const { said, channel: one } = channel()
    const lag = new Lag(100)
    for (let i = 0; i < 8; i++) lag.add(100, one)
    expect(said).to.deep.equal([])
    lag.add(1, one)
    lag.add(1, one)
    expect(said).to.deep.equal(['pause'])
    lag.add(-401, one)
    expect(said).to.deep.equal(['pause'])
    lag.add(-1, one)
    expect(said).to.deep.equal(['pause', 'resume'])
    lag.add(-400, one)
    expect(said).to.deep.equal(['pause', 'resume'])
  })

  it('is not read over another channel either', () => {
    const [before, after] = [channel(), channel()]
    const lag = new Lag(100)
    lag.add(900, before.channel)
    lag.add(1, after.channel)
    lag.add(-900, after.channel)
    expect([before.said, after.said]).to.deep.equal([['pause'], ['pause', 'resume']])
  })
})
