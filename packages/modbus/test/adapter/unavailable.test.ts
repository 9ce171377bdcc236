import { modbusAdapter } from '@gridseal/modbus'
import { fromHex, toHex } from '@gridseal/wire'
import { expect } from 'chai'
import { mutations } from '../../../../test/support/mutate.ts'

const answer = (hex: string, cause: 'path' | 'device', framing?: string): string | undefined => {
  const bytes = modbusAdapter.unavailable?.(fromHex(hex.replace(/ /g, '')), cause, framing)
  return bytes && toHex(bytes)
}

describe('a Modbus gateway whose device is out of reach', () => {
  it('answers a request with exception 0A (no path) or 0B (no answer), same transaction and unit (V1.1b3, 7)', () => {
    expect(answer('1234 0000 0006 11 03 006b 0003', 'path')).to.equal('12340000000311830a')
    expect(answer('1234 0000 0006 11 03 006b 0003', 'device')).to.equal('12340000000311830b')
    expect(answer('11 03 006b 0003 7687', 'path', 'rtu')).to.match(/^11830a.{4}$/)
  })

  it('is silent after a broadcast on a line, to an exception, and to what is no frame', () => {
    expect(answer('00 05 0001 ff00 dc2b', 'path', 'rtu')).to.equal(undefined)
    expect(answer('1234 0000 0003 11 83 02', 'path')).to.equal(undefined)
    for (const bytes of mutations(fromHex('12340000000611030006b0003'.padEnd(26, '0').slice(0, 24)))) {
      modbusAdapter.unavailable?.(bytes, 'path')
    }
  })
})
