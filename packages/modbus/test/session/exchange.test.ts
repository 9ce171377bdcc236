import { expect } from 'chai'
import type { Request } from '@gridseal/modbus'
import { fromHex, toHex } from '@gridseal/wire'
import { Exchange } from '#src/session/exchange.ts'
import type { Verdict } from '#src/session/exchange.ts'
import { silenceBetweenFrames } from '#src/session/line-timing.ts'
import { usageError } from '../support/errors.ts'
import { VECTORS } from '../support/vectors.ts'

const judge = (request: Request, answer: string, { transaction = 5, unit = 1 } = {}): Verdict =>
  new Exchange(5, 1, request).judge({ transaction, unit, pdu: fromHex(answer) })

const FILES: Request = {
  kind: 'readFileRecord',
  groups: [
    { file: 4, record: 1, length: 2 },
    { file: 3, record: 9, length: 2 },
  ],
}

const read: Request = { kind: 'readHoldingRegisters', address: 0, quantity: 2 }

describe('Modbus exchange', () => {
  it('takes the answer of every example', () => {
    for (const { title, request, response } of VECTORS) {
      const exchange = new Exchange(5, 1, request.value)
      expect(toHex(exchange.adu.pdu)).to.equal(toHex(fromHex(request.pdu)))
      const verdict = exchange.judge({ transaction: 5, unit: 1, pdu: fromHex(response.pdu) })
      if (response.value.kind === 'exception') expect(verdict.kind).to.equal('failed')
      else expect(verdict, title).to.deep.equal({ kind: 'answer', response: response.value })
    }
  })

  it('waits on for anything late, or from another unit or function', () => {
    expect(judge(read, '03 04 0001 0002', { transaction: 4 }).kind).to.equal('foreign')
    expect(judge(read, '03 04 0001 0002', { unit: 2 }).kind).to.equal('foreign')
    expect(judge(read, '04 04 0001 0002').kind).to.equal('foreign')
    expect(judge(read, '84 02').kind).to.equal('foreign')
  })

  it('fails on an exception, known or not, and says which', () => {
    for (const [answer, exception] of [
      ['83 02', 2],
      ['83 00', 0],
      ['83 77', 0x77],
    ] as const) {
      const verdict = judge(read, answer)
      expect(verdict.kind).to.equal('failed')
      if (verdict.kind !== 'failed') continue
      expect(verdict.error.code).to.equal('modbus.exception')
      expect(verdict.error.details).to.deep.equal({ exception, function: 3, unit: 1 })
    }
  })

  const lies: readonly (readonly [string, Request, string])[] = [
    ['fewer registers than asked for', read, '03 02 0001'],
    ['more registers than asked for', read, '03 06 0001 0002 0003'],
    ['a byte count that lies', read, '03 04 0001'],
    ['fewer coils than asked for', { kind: 'readCoils', address: 0, quantity: 9 }, '01 01 05'],
    ['another value echoed', { kind: 'writeSingleRegister', address: 1, value: 3 }, '06 0001 DEAD'],
    ['another address echoed', { kind: 'writeSingleCoil', address: 1, on: true }, '05 0002 FF00'],
    [
      'another quantity echoed',
      { kind: 'writeMultipleRegisters', address: 1, quantity: 1, values: [7] },
      '10 0001 0002',
    ],
    ['another mask echoed', { kind: 'maskWriteRegister', address: 1, and: 2, or: 3 }, '16 0001 0002 0004'],
    ['another loop of data', { kind: 'diagnostics', subFunction: 0, data: fromHex('A537') }, '08 0000 A538'],
    ['another counter', { kind: 'diagnostics', subFunction: 0x0b, data: fromHex('0000') }, '08 000C 0000'],
    ['fewer records', FILES, '14 06 05 06 0DFE 0020'],
    ['a shorter record', FILES, '14 0A 03 06 0DFE 05 06 33CD 0040'],
    [
      'another record echoed',
      { kind: 'writeFileRecord', groups: [{ file: 4, record: 7, data: fromHex('06AF 04BE') }] },
      '15 0B 06 0004 0007 0002 06AF 04BF',
    ],
    ['another interface', { kind: 'encapsulatedInterface', meiType: 13, data: fromHex('') }, '2B 0E 01 81 00 00 00'],
  ]
  for (const [title, request, answer] of lies) {
    it(`fails on ${title}`, () => {
      const verdict = judge(request, answer)
      expect(verdict.kind).to.equal('failed')
      if (verdict.kind === 'failed') expect(verdict.error.code).to.equal('modbus.client.answer')
    })
  }
})

describe('Modbus line timing (Serial Line 2.5.1.1)', () => {
  it('is 3.5 characters of 11 bits, and fixed above 19200 baud', () => {
    expect(silenceBetweenFrames(9600)).to.be.closeTo(4.01, 0.01)
    expect(silenceBetweenFrames(19_200)).to.be.closeTo(2.005, 0.001)
    expect(silenceBetweenFrames(115_200)).to.equal(1.75)
    expect(usageError(() => silenceBetweenFrames(0)).code).to.equal('modbus.line.baud')
  })
})
