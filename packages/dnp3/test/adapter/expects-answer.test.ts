import { dnp3Adapter, encodeLinkFrame } from '@gridseal/dnp3'
import { expect } from 'chai'

const link = { fromMaster: true, primary: true, frameCount: false, countValidOrBusy: false, destination: 10, source: 1 }
const request = (code: number, more: { transport?: number; destination?: number } = {}): Uint8Array => {
  const { transport = 0xc0, ...rest } = more
  return encodeLinkFrame({ ...link, function: 4, ...rest, user: Uint8Array.of(transport, 0xc0, code) })
}
const answered = (frame: Uint8Array): boolean | undefined => dnp3Adapter.expectsAnswer?.(frame)

describe('DNP3 requests that are answered', () => {
  it('are all but confirms and those without acknowledgement', () => {
    const silent = Array.from({ length: 34 }, (_, code) => code).filter((code) => answered(request(code)) === false)
    expect(silent).to.deep.equal([0, 6, 8, 10, 12, 33])
  })

  it('are not those to everybody, nor the later segments of a fragment, nor responses, nor what is none', () => {
    expect(answered(request(1, { destination: 0xffff }))).to.equal(false)
    expect(answered(request(1, { transport: 0x81 }))).to.equal(false)
    expect(answered(request(129))).to.equal(false)
    expect(answered(request(99))).to.equal(false)
    for (const bytes of [request(1).subarray(0, 12), new Uint8Array(0), new Uint8Array(40)]) {
      expect(answered(bytes)).to.equal(false)
    }
  })

  it('are those of the link layer, too, but not its acknowledgements', () => {
    const user = new Uint8Array(0)
    expect([0, 2, 9].map((code) => answered(encodeLinkFrame({ ...link, function: code, user })))).to.deep.equal([
      true,
      true,
      true,
    ])
    expect(answered(encodeLinkFrame({ ...link, primary: false, function: 0, user }))).to.equal(false)
  })
})
