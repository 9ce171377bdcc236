import type { Entry, SequencedEntry } from '@gridseal/envelope'
import { memoryPair } from '@gridseal/transport'
import { expect } from 'chai'
import { performance } from 'node:perf_hooks'
import { newCounters } from '#src/link/end.ts'
import { TcpDeviceEnd } from '#src/link/tcp-device.ts'
import { adapterFor } from '#src/protocols.ts'

const config = {
  id: 'breaker',
  protocol: 'raw',
  keepInvalid: false,
  window: 1 << 20,
  silence: 50,
  maxAge: 10_000,
  device: 'tcp://192.0.2.1:502',
} as const

const common = { link: 'breaker', connection: 7, direction: 'to-device', time: 0n } as const
const opened: SequencedEntry = { ...common, kind: 'event', sequence: 0, event: 'opened', detail: '' }
const command = (n: number): SequencedEntry => ({
  ...common,
  kind: 'frame',
  sequence: n,
  protocol: 'raw',
  bytes: Uint8Array.of(n),
})

/** A device that accepts when the test lets it, what it got, and what the far side was told. */
async function connecting(deliver: (end: TcpDeviceEnd) => void): Promise<{
  readonly end: TcpDeviceEnd
  readonly got: number[]
  readonly told: Entry[]
}> {
  const [near, far] = memoryPair()
  const { promise, resolve } = Promise.withResolvers<typeof near>()
  const context = {
    config,
    adapter: adapterFor('raw'),
    inbound: 'to-master',
    policy: undefined,
    now: () => 0n,
    report: () => undefined,
  } as const
  const end = new TcpDeviceEnd(context, config, () => promise)
  const got: number[] = []
  const told: Entry[] = []
  far.data.subscribe((chunk) => got.push(...chunk))
  end.entries.subscribe((entries) => told.push(...entries))
  end.deliver(opened)
  deliver(end)
  await new Promise((later) => setTimeout(later, 20))
  resolve(near)
  await new Promise((later) => setTimeout(later, 20))
  await end.stop()
  return { end, got, told }
}

describe("a device's end of a TCP link", () => {
  it('delivers what came while the connection was made, in order', async () => {
    const { end, got, told } = await connecting((device) => {
      device.deliver(command(1), performance.now() + 10_000)
      device.deliver(command(2))
    })
    expect(got).to.deep.equal([1, 2])
    expect(told).to.deep.equal([])
    expect(end.counters).to.deep.equal({ ...newCounters(), opened: 1, framesOut: 2, bytesOut: 2 })
  })

  it('never delivers a command that grew too old while the connection was made: the master is told', async () => {
    const { end, got, told } = await connecting((device) => {
      device.deliver(command(1), performance.now() + 5)
      device.deliver(command(2), performance.now() + 10_000)
    })
    expect(got).to.deep.equal([])
    expect(told).to.have.length(1)
    expect(told[0]).to.include({ kind: 'event', event: 'reset', connection: 7 })
    expect(end.counters).to.include({ stale: 1, framesOut: 0, connections: 0 })
  })
})
