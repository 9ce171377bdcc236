import { expect } from 'chai'
import { ADU_CODECS, encodeRequest, modbusAdapter } from '@gridseal/modbus'
import type { Request } from '@gridseal/modbus'
import { fromHex } from '@gridseal/wire'
import { mutations } from '../../../../test/support/mutate.ts'
import { usageError } from '../support/errors.ts'
import { VECTORS } from '../support/vectors.ts'

const frame = (unit: number, request: Request): Uint8Array =>
  ADU_CODECS.tcp.encode({ transaction: 1, unit, pdu: encodeRequest(request) })

const read = (address: number, quantity: number): Request => ({ kind: 'readHoldingRegisters', address, quantity })
const write = (address: number): Request => ({ kind: 'writeSingleRegister', address, value: 1 })
const both = (readAddress: number, writeAddress: number): Request => ({
  kind: 'readWriteMultipleRegisters',
  readAddress,
  readQuantity: 2,
  writeAddress,
  writeQuantity: 1,
  values: [0],
})

describe('Modbus policy rules', () => {
  const rules = modbusAdapter.rules!([
    { functions: [3, 4, 43] },
    { units: [7], functions: [6, 16, 23], addresses: ['hr/40101..40110', 'hr/40201'] },
    { units: [8], addresses: ['co/00001..00008'] },
  ])
  const permitted = (unit: number, request: Request): boolean => rules.permits(frame(unit, request), 'to-device')

  it('allow by function, whatever the unit and address', () => {
    expect(permitted(1, read(0, 125))).to.equal(true)
    expect(permitted(1, { kind: 'readCoils', address: 0, quantity: 1 })).to.equal(false)
    expect(permitted(200, { kind: 'readDeviceIdentification', code: 1, objectId: 0 })).to.equal(true)
  })

  it('allow writes to one unit, within its ranges and not a cell beside', () => {
    expect([99, 100, 109, 110, 200, 201].map((address) => permitted(7, write(address)))).to.deep.equal([
      false,
      true,
      true,
      false,
      true,
      false,
    ])
    expect(permitted(6, write(100))).to.equal(false)
    const several: Request = { kind: 'writeMultipleRegisters', address: 109, quantity: 2, values: [0, 0] }
    expect(permitted(7, several)).to.equal(false)
  })

  it('look at both ranges of function 23', () => {
    expect(permitted(7, both(100, 108))).to.equal(true)
    expect(permitted(7, both(0, 108))).to.equal(false)
    expect(permitted(7, both(100, 0))).to.equal(false)
  })

  it('of addresses allow nothing that has none', () => {
    expect(permitted(8, { kind: 'writeSingleCoil', address: 7, on: true })).to.equal(true)
    expect(permitted(8, { kind: 'readExceptionStatus' })).to.equal(false)
    expect(permitted(8, { kind: 'diagnostics', subFunction: 4, data: fromHex('0000') })).to.equal(false)
    expect(permitted(8, { kind: 'readFifoQueue', address: 0 })).to.equal(false)
  })

  it('permit no broadcast in the name of a unit, and nothing where there are none', () => {
    const rtu = ADU_CODECS.rtu.encode({ transaction: null, unit: 0, pdu: encodeRequest(write(100)) })
    expect(rules.permits(rtu, 'to-device', 'rtu')).to.equal(false)
    expect(modbusAdapter.rules!([]).permits(frame(1, read(0, 1)), 'to-device')).to.equal(false)
  })

  it('permit nothing that cannot be decoded or breaks the standard, and never throw', () => {
    const open = modbusAdapter.rules!([{}])
    for (const { request } of VECTORS) {
      const whole = ADU_CODECS.tcp.encode({ transaction: 1, unit: 1, pdu: fromHex(request.pdu) })
      for (const mutant of mutations(whole)) {
        const description = modbusAdapter.describe(mutant, 'to-device')
        const sound = description.malformed === null && description.fields['violation'] === null
        expect(open.permits(mutant, 'to-device')).to.equal(sound)
      }
    }
  })

  it('say what is wrong with them', () => {
    for (const [raw, text] of [
      ['read', 'a list of rules'],
      [[3], 'rule 1 is no map'],
      [[{}, { unit: [1] }], 'rule 2: unit: unknown key'],
      [[{ units: [256] }], 'units: numbers from 0 to 255'],
      [[{ functions: ['3'] }], 'functions: numbers from 1 to 127'],
      [[{ functions: [] }], 'functions: a list that is not empty'],
      [[{ addresses: ['hr/30001'] }], 'addresses: "hr/30001" is no range'],
    ] as const) {
      const error = usageError(() => modbusAdapter.rules!(raw))
      expect([error.code, error.message]).to.satisfy(([code, message]: [string, string]) => {
        return code === 'adapter.rules' && message.includes(text)
      })
    }
  })
})
