import { expect } from 'chai'
import { fromHex } from '@gridseal/wire'
import { etherTypeFilter } from '#src/ethernet/packet-filter.ts'
import { etherTypeBehindTags } from '#src/ethernet/mac.ts'

/** What the kernel does with a program: the octets of the frame that pass, 0 for none. */
function run(program: ReturnType<typeof etherTypeFilter>, frame: Uint8Array): number {
  let accumulator = 0
  for (let at = 0; at < program.length; at++) {
    const [code, whenTrue, whenFalse, k] = program[at]!
    if (code === 0x28) {
      // A load beyond the packet refuses it.
      if (k + 2 > frame.length) return 0
      accumulator = (frame[k]! << 8) | frame[k + 1]!
    } else if (code === 0x15) at += accumulator === k ? whenTrue : whenFalse
    else if (code === 0x06) return k
    else expect.fail(`instruction ${code}`)
  }
  return expect.fail('the program has no end')
}

describe('the filter in the kernel', () => {
  const ADDRESSES = '010ccd010001020000000001'
  const FRAMES: readonly (readonly [string, string, boolean])[] = [
    ['untagged', '88b80001', true],
    ['behind a VLAN tag (8100)', '8100800588b80001', true],
    ['behind a service tag (88a8)', '88a8800588b80001', true],
    ['behind two tags', '88a800078100800588b80001', true],
    ['behind an HSR tag (892f)', '892f0042000188b80001', true],
    ['behind a VLAN and an HSR tag', '81008005892f0042000188b80001', true],
    ['of another EtherType', '88ba0001', false],
    ['of another EtherType behind a tag', '8100800588ba0001', false],
    ['of another EtherType behind an HSR tag', '892f0042000188ba0001', false],
    ['with a length in its place', '002e88b8', false],
    ['cut off behind the tag', '81008005', false],
    ['cut off before the EtherType', '', false],
  ]
  const program = etherTypeFilter(0x88b8)
  for (const [name, rest, passes] of FRAMES) {
    it(`${passes ? 'lets pass' : 'holds back'} a frame ${name}`, () => {
      const frame = fromHex(ADDRESSES + rest)
      expect(run(program, frame) > 0).to.equal(passes)
      expect(etherTypeBehindTags(frame) === 0x88b8, 'and so does the check behind it').to.equal(passes)
    })
  }

  it('only jumps forward, as BPF must', () => {
    for (const [, whenTrue, whenFalse] of program) {
      expect(whenTrue).to.be.within(0, 255)
      expect(whenFalse).to.be.within(0, 255)
    }
  })
})
