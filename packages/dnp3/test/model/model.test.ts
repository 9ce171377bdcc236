import { expect } from 'chai'
import { UsageError } from '@gridseal/wire'
import { parseOutstationModel } from '#src/model/model.ts'

describe('the model of an outstation', () => {
  it('from YAML: points, ranges of them, a script by name or place, attributes', () => {
    const model = parseOutstationModel(
      `points:
  - { kind: analog-input, index: 0, name: Voltage, value: 230.5, class: 2, deadband: 0.5, static: 5, event: 7 }
  - { kind: binary-input, index: 3..5, name: Door, value: true }
  - { kind: octet-string, index: 0, value: hello }
script:
  - { at: 2s, point: Voltage, value: 231 }
  - { at: 100ms, point: binary-input/4, value: false, flags: 9 }
repeat: 1m
attributes: { 252: Gridseal }`,
      'x.yaml',
    )
    expect(model.points).to.have.length(5)
    expect(model.points[0]).to.deep.equal({
      kind: 'analog-input',
      index: 0,
      name: 'Voltage',
      value: 230.5,
      class: 2,
      deadband: 0.5,
      staticVariation: 5,
      eventVariation: 7,
    })
    expect(model.points[2]).to.include({ index: 4, name: 'Door 4', value: 1 })
    expect(model.script.map(({ at, kind, index, value }) => [at, kind, index, value])).to.deep.equal([
      [100, 'binary-input', 4, 0],
      [2000, 'analog-input', 0, 231],
    ])
    expect([model.repeat, model.attributes]).to.deep.equal([60_000, { 252: 'Gridseal' }])
  })

  it('from CSV', () => {
    const { points } = parseOutstationModel(
      'kind,index,name,value,class\n# outputs\nbinary-output,0..1,,0,\ncounter,7,Energy,12,3\n',
      'x.csv',
    )
    expect(points.map(({ kind, index, name, value }) => [kind, index, name, value])).to.deep.equal([
      ['binary-output', 0, undefined, 0],
      ['binary-output', 1, undefined, 0],
      ['counter', 7, 'Energy', 12],
    ])
  })

  const bad: readonly (readonly [string, string, string])[] = [
    ['points', 'x: 1', 'there is no "x"'],
    ['points', 'points: 3', 'a list of points'],
    ['points[0]', 'points: [{ kind: ai, index: 0 }]', 'kind is one of'],
    ['points[0]', 'points: [{ kind: counter, index: 5..1 }]', 'no range of indexes'],
    ['points[0]', 'points: [{ kind: counter, index: 0, clas: 1 }]', 'there is no "clas"'],
    ['points[0]', 'points: [{ kind: counter, index: 0, class: 4 }]', 'a class is'],
    ['script[0]', 'points: []\nscript: [{ point: a, value: 1 }]', 'there is no point "a"'],
    ['repeat', 'points: []\nrepeat: soon', 'a duration'],
    ['yaml', 'points: [', 'x.yaml'],
  ]
  for (const [where, source, why] of bad) {
    it(`${where} of ${JSON.stringify(source)}: ${why}`, () => {
      expect(() => parseOutstationModel(source, 'x.yaml')).to.throw(UsageError, why)
    })
  }
})
