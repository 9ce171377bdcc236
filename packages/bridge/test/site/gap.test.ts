import { join } from 'node:path'
import type { BridgeEvent } from '@gridseal/bridge'
import type { Channel } from '@gridseal/channel'
import { Journal } from '@gridseal/envelope'
import { expect } from 'chai'
import { Subject } from 'rxjs'
import { PORT_BATCH } from '#src/site/control.ts'
import { GapRequests } from '#src/site/gap-requests.ts'
import { withFolder } from '../../../../test/support/folders.ts'
import { until } from '../support/pair.ts'
import { End, session } from '../support/session.ts'

/** Two ends of a channel; `lose` tells which messages of the first end never arrive. */
function channels(lose: (port: number) => boolean): [Channel, Channel] {
  const messages = [
    new Subject<{ port: number; bytes: Uint8Array }>(),
    new Subject<{ port: number; bytes: Uint8Array }>(),
  ]
  const { promise: closed, resolve } = Promise.withResolvers<{ kind: string }>()
  const end = (own: number): Channel =>
    ({
      messages: messages[own],
      drained: new Subject<void>(),
      closed,
      send: (port: number, bytes: Uint8Array) => {
        const copy = Uint8Array.from(bytes)
        if (own === 1 || !lose(port)) setImmediate(() => messages[1 - own]?.next({ port, bytes: copy }))
        return true
      },
      close: () => Promise.resolve(resolve({ kind: 'closed' })),
    }) as unknown as Channel
  return [end(0), end(1)]
}

const all = Array.from({ length: 12 }, (_, n) => String(n))

async function withGap(lose: (port: number) => boolean, journal?: string, store?: 'normal'): Promise<BridgeEvent[]> {
  const [field, headEnd, events] = [new End(), new End(), [] as BridgeEvent[]]
  const journals = await Promise.all(
    ['field', 'head-end'].map((name) => (journal === undefined ? undefined : Journal.open(join(journal, name)))),
  )
  const one = await session('to-master', field, events, journals[0], store)
  const two = await session('to-device', headEnd, events, journals[1], store)
  const [a, b] = channels(lose)
  const ended = [one.attach(a, () => undefined), two.attach(b, () => undefined)]
  await until('both are up', () => [one, two].every(({ stats }) => stats.channel === 'up'))
  for (const n of all) {
    field.say(Number(n))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await until('all arrive', () => headEnd.got.length >= all.length)
  expect(headEnd.got).to.deep.equal(all)
  await until('all is acknowledged', () => one.stats.outgoing.unacknowledged === 0)
  expect(one.stats.channels, 'over the same channel').to.equal(1)
  await Promise.all([one.stop(100), two.stop(100), ...ended])
  await Promise.all(journals.map((one) => one?.close()))
  return events
}

/** Loses the third and fourth message of a port. */
function losing(port: number): (port: number) => boolean {
  let seen = 0
  return (to) => to === port && [3, 4].includes(++seen)
}

describe('a stream with a gap', () => {
  it('live: reported, asked for again within the channel, delivered in order and once', async () => {
    const events = await withGap(losing(PORT_BATCH))
    const codes = events.map(({ code }) => code)
    expect(codes.filter((code) => code === 'envelope.gap')).to.have.length(1)
    expect(codes).to.include('bridge.again')
  })

  it('kept: the same, with journals on both sides', () =>
    withFolder(async (folder) => {
      const events = await withGap(losing(PORT_BATCH + 2), folder, 'normal')
      expect(events.map(({ code }) => code)).to.include('bridge.again')
    }))

  it('is asked for a few times, with patience, and then given up', () => {
    const gaps = new GapRequests()
    const answers = [0, 100, 2000, 2100, 4000, 6000].map((now) => gaps.gap('live', 'log 5', now))
    expect(answers).to.deep.equal(['ask', 'wait', 'ask', 'wait', 'ask', 'give-up'])
    expect(gaps.gap('live', 'log 6', 6000), 'another gap').to.equal('ask')
    expect(gaps.gap('bulk', 'log 6', 6000), 'another stream').to.equal('ask')
  })
})
