import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { CaptureWalker, openCapture } from '@gridseal/pcap'
import { needSlow } from '../../../test/support/requirements.ts'
import { FIXTURES } from './support/fixtures.ts'
import { loopedCapture } from './support/looped-capture.ts'

const MIB = 1024 * 1024

/** Reads and walks a generated capture of at least `size` bytes; returns what it took. */
async function walkGenerated(size: number): Promise<{ bytes: number; packets: number; data: number; peak: number }> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const used = (): number => {
    collect()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const capture = FIXTURES[0]!.build()
  const walker = new CaptureWalker()
  let bytes = 0
  let packets = 0
  let data = 0
  let peak = 0
  const before = used()
  function* source(): Generator<Uint8Array> {
    for (const chunk of loopedCapture(capture, Math.ceil(size / capture.length))) {
      bytes += chunk.length
      yield chunk
    }
  }
  let nextProbe = 0
  for await (const batch of openCapture(source())) {
    packets += batch.length
    for (const event of walker.pushAll(batch)) if (event.kind === 'stream-data') data += event.bytes.length
    if (bytes < nextProbe) continue
    nextProbe += size / 8
    peak = Math.max(peak, used() - before)
  }
  walker.finish()
  return { bytes, packets, data, peak }
}

/** Bytes of stream data in one round of the capture: 100 requests of 12 bytes and 100 answers of 15. */
const DATA_PER_ROUND = 100 * 27
const PACKETS_PER_ROUND = 306

describe('a capture larger than memory should hold', () => {
  it('streams through in constant memory (64 MB, generated)', async () => {
    const { bytes, packets, data, peak } = await walkGenerated(64 * MIB)
    const rounds = packets / PACKETS_PER_ROUND
    expect(bytes).to.be.at.least(63 * MIB)
    expect(data).to.equal(rounds * DATA_PER_ROUND)
    expect(peak).to.be.lessThan(16 * MIB)
  })

  it('streams through in constant memory (2 GB, generated, with more connections than are followed at once)', async function () {
    needSlow(this)
    this.timeout(300_000)
    const { bytes, packets, data, peak } = await walkGenerated(2048 * MIB)
    expect(bytes).to.be.at.least(2040 * MIB)
    expect(data).to.equal((packets / PACKETS_PER_ROUND) * DATA_PER_ROUND)
    expect(peak).to.be.lessThan(64 * MIB)
  })
})
