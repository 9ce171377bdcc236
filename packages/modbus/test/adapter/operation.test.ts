import { expect } from 'chai'
import { ADU_CODECS, FUNCTIONS, modbusAdapter } from '@gridseal/modbus'
import type { Operation } from '@gridseal/adapter'
import { OPERATION_KINDS } from '@gridseal/adapter'
import { fromHex } from '@gridseal/wire'
import { mutations } from '../../../../test/support/mutate.ts'
import { VECTORS } from '../support/vectors.ts'

const operation = (pdu: string): Operation =>
  modbusAdapter.operation(ADU_CODECS.tcp.encode({ transaction: 1, unit: 1, pdu: fromHex(pdu) }), 'to-device')

describe('Modbus operations', () => {
  const cases: readonly (readonly [string, string, boolean, string])[] = [
    ['01 0000 0008', 'read', false, 'unit 1 co/00001..00008'],
    ['02 0000 0001', 'read', false, 'unit 1 di/10001'],
    ['03 0000 000A', 'read', false, 'unit 1 hr/40001..40010'],
    ['03 270F 0001', 'read', false, 'unit 1 hr/410000'],
    ['04 0000 0002', 'read', false, 'unit 1 ir/30001..30002'],
    ['05 0000 FF00', 'control', true, 'unit 1 co/00001'],
    ['06 0001 0003', 'write', true, 'unit 1 hr/40002'],
    ['07', 'read', false, 'unit 1 exception-status'],
    ['08 0000 A537', 'read', false, 'unit 1 diagnostics/0'],
    ['08 0001 FF00', 'manage', true, 'unit 1 diagnostics/1'],
    ['08 0004 0000', 'manage', true, 'unit 1 diagnostics/4'],
    ['08 000A 0000', 'manage', false, 'unit 1 diagnostics/10'],
    ['08 0099 0000', 'unknown', true, 'unit 1 diagnostics/153'],
    ['0B', 'read', false, 'unit 1 comm-events'],
    ['0C', 'read', false, 'unit 1 comm-events'],
    ['0F 0013 000A 02 CD01', 'control', true, 'unit 1 co/00020..00029'],
    ['10 0001 0002 04 000A 0102', 'write', true, 'unit 1 hr/40002..40003'],
    ['11', 'read', false, 'unit 1 server-id'],
    ['14 07 06 0004 0001 0002', 'file', false, 'unit 1 file/4/1..2'],
    ['15 09 06 0004 0007 0001 06AF', 'file', true, 'unit 1 file/4/7'],
    ['16 0004 00F2 0025', 'write', true, 'unit 1 hr/40005'],
    ['17 0003 0006 000E 0003 06 00FF 00FF 00FF', 'write', true, 'unit 1 hr/40015..40017, hr/40004..40009'],
    ['18 04DE', 'read', false, 'unit 1 hr/41247'],
    ['2B 0D 0102', 'unknown', true, 'unit 1 mei/13'],
    ['2B 0E 01 00', 'read', false, 'unit 1 device-identification'],
    ['41 DEAD', 'unknown', true, 'unit 1'],
    ['83 02', 'unknown', true, 'unit 1'],
  ]
  for (const [pdu, kind, critical, target] of cases) {
    it(`${pdu} is ${kind}${critical ? ', critical' : ''}: ${target}`, () => {
      expect(operation(pdu)).to.deep.equal({ kind, critical, target })
    })
  }

  it('cover every public function', () => {
    const shown = new Set(cases.map(([pdu]) => Number.parseInt(pdu, 16)))
    for (const { code } of FUNCTIONS) expect(shown.has(code), String(code)).to.equal(true)
  })

  it('are unknown and critical for whatever breaks the standard', () => {
    // A coil written 1234 is off to some devices; a read with bytes behind it might be anything to others.
    for (const pdu of ['05 0000 1234', '03 0000 0000', '03 0000 0001 00', '10 0001 0002 04 000A', '06 0001']) {
      expect(operation(pdu)).to.deep.equal({ kind: 'unknown', critical: true, target: 'unit 1' })
    }
    expect(modbusAdapter.operation(fromHex('0001'), 'to-device')).to.deep.equal({ kind: 'unknown', critical: true })
  })

  it('of a device are responses, exceptions included', () => {
    const response = (pdu: string): Operation =>
      modbusAdapter.operation(ADU_CODECS.tcp.encode({ transaction: 1, unit: 9, pdu: fromHex(pdu) }), 'to-master')
    for (const { response: answer } of VECTORS) {
      expect(response(answer.pdu)).to.deep.equal({ kind: 'response', critical: false, target: 'unit 9' })
    }
    expect(response('03 03 0000').kind).to.equal('unknown')
  })

  it('never turn a write into a read by a flipped byte, unless the function itself is another', () => {
    for (const pdu of ['05 0000 FF00', '06 0001 0003', '10 0001 0002 04 000A 0102', '0F 0013 000A 02 CD01']) {
      const frame = ADU_CODECS.tcp.encode({ transaction: 1, unit: 1, pdu: fromHex(pdu) })
      for (const mutant of mutations(frame)) {
        const { kind } = modbusAdapter.operation(mutant, 'to-device')
        expect(OPERATION_KINDS).to.include(kind)
        if (mutant.length > 7 && mutant[7] === frame[7]) expect(kind).to.be.oneOf(['write', 'control', 'unknown'])
      }
    }
  })
})
