import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import { LineWriter } from '#src/inspect/line-writer.ts'

describe('LineWriter', () => {
  it('leaves what the sink was given alone until the sink has done with it, and all lines in order', async () => {
    const taken: string[] = []
    const memory = new Set<ArrayBufferLike>()
    const out = new LineWriter(async (bytes) => {
      const before = Buffer.from(bytes).toString()
      for (let i = 0; i < 5; i++) await turn()
      expect(Buffer.from(bytes).toString()).to.equal(before)
      taken.push(before)
      memory.add(bytes.buffer)
    })
    const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i} ${'.'.repeat(i % 90)}\n`)
    for (const [i, line] of lines.entries()) {
      out.text.text(line)
      out.lineEnd()
      if (i % 2000 === 0) await out.drained()
    }
    await out.end()
    expect(taken.join('')).to.equal(lines.join(''))
    expect(memory.size).to.be.lessThan(taken.length)
  })

  it('rejects with what the sink throws', async () => {
    const refused = new RangeError('full')
    const out = new LineWriter(() => {
      throw refused
    })
    out.text.text('line\n')
    expect(await out.end().catch((error: unknown) => error)).to.equal(refused)
  })
})
