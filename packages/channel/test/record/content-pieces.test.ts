import fc from 'fast-check'
import { expect } from 'chai'
import { GridsealError } from '@gridseal/wire'
import { decodePieces } from '#src/record/content-pieces.ts'
import { decodeContent } from '#src/record/content.ts'

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))

/** One of each kind that there is in a session, and bundles of one and two messages. */
const CONTENTS = [
  '10 0007 6869',
  '10 0007',
  '19 000000001388 0008 21',
  '1a 00000005 10 0007 6869 0000000a 19 000000001388 0008 21',
  '1a 00000003 10 0007',
  '11',
  '12',
  '13 02',
  '14 00000e10 0102',
  '15 010203',
  '16 010203',
  '17',
  '18 00000005 10 0007 6869 000000',
  '18 0000000e 1a 00000009 19 000000001388 0008 00',
].map(bytes)

function outcome(action: () => unknown): unknown {
  try {
    return action()
  } catch (error) {
    return error instanceof GridsealError ? error.code : error
  }
}

/** The bytes in pieces that end at these places. */
function cut(content: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...new Set(places.map((place) => 1 + (place % content.length))), content.length]
  const pieces: Uint8Array[] = []
  let from = 0
  for (const end of ends.toSorted((a, b) => a - b)) {
    if (end > from) pieces.push(content.slice(from, end))
    from = Math.max(from, end)
  }
  return pieces
}

/** A content, perhaps with a byte changed, perhaps cut short or made longer. */
const mangled = fc
  .record({
    content: fc.constantFrom(...CONTENTS),
    change: fc.option(fc.record({ at: fc.nat(63), to: fc.constantFrom(0, 1, 3, 5, 9, 16, 25, 26, 255) })),
    length: fc.integer({ min: -40, max: 3 }),
    shorten: fc.boolean(),
  })
  .map(({ content, change, length, shorten }) => {
    const whole = content.slice()
    if (change !== null) whole[change.at % whole.length] = change.to
    if (!shorten) return whole
    return length > 0
      ? Uint8Array.of(...whole, ...new Uint8Array(length))
      : whole.slice(0, Math.max(1, whole.length + length))
  })

describe('channel records: contents in pieces', () => {
  it('are read, or refused, as if they were whole, wherever the pieces end', () => {
    fc.assert(
      fc.property(mangled, fc.array(fc.nat(63), { maxLength: 8 }), (content, places) => {
        const whole = outcome(() => decodeContent(content))
        expect(outcome(() => decodePieces(cut(content, places)))).to.deep.equal(whole)
      }),
      { numRuns: 5000 },
    )
  })

  it('take no memory by a length before what it promises is there', () => {
    for (const length of ['ffffffff', '00000006', '7fffffff']) {
      const content = bytes(`1a ${length} 10 0007 6869`)
      const room = (count: number): Uint8Array => expect.fail(`${count} bytes`)
      expect(outcome(() => decodePieces([content], room))).to.equal('channel.content')
    }
  })

  it('leave nothing of the pieces in what they give', () => {
    const pieces = cut(CONTENTS[3]!, [7, 12])
    const content = decodePieces(pieces)
    for (const piece of pieces) piece.fill(0xee)
    expect(content).to.deep.equal(decodeContent(CONTENTS[3]!))
  })
})
