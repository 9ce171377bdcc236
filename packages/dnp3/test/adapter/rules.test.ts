import { expect } from 'chai'
import type { Direction } from '@gridseal/adapter'
import { LINK, dnp3Adapter, encodeLinkFrame, encodeSegment } from '@gridseal/dnp3'
import { UsageError, fromHex } from '@gridseal/wire'

interface Form {
  readonly station?: number
  readonly direction?: Direction
  readonly first?: boolean
  readonly final?: boolean
}

/** A frame with a fragment, or a segment of one. */
function frame(
  hex: string,
  { station = 10, direction = 'to-device', first = true, final = true }: Form = {},
): Uint8Array {
  const fromMaster = direction === 'to-device'
  return encodeLinkFrame({
    fromMaster,
    primary: true,
    frameCount: false,
    countValidOrBusy: false,
    function: LINK.UNCONFIRMED_USER_DATA,
    destination: fromMaster ? station : 1,
    source: fromMaster ? 1 : station,
    user: encodeSegment({ first, final, sequence: 0, data: fromHex(hex) }),
  })
}

const CROB = (index: string): string => `0c01 28 0100 ${index} 03 01 64000000 64000000 00`
const SET_TIME = 'c0 02 3201 07 01 ebe45a87ff00'
const INTEGRITY = 'c0 01 3c02 06 3c01 06'

describe('DNP3 policy by outstation, function and object', () => {
  const rules = dnp3Adapter.rules!([
    { functions: ['READ', 13] },
    { stations: [10], functions: ['SELECT', 'OPERATE'], objects: ['g12/0..3', 'g41v3/7'] },
    { functions: [2], objects: ['g50v1', 'g80/7'] },
    { stations: [11], functions: ['IMMED_FREEZE'], objects: ['g20', 'g30/5..9'] },
  ])
  const permits = (hex: string, form: Form = {}): boolean =>
    rules.permits(frame(hex, form), form.direction ?? 'to-device')

  const table: readonly (readonly [string, boolean, string, Form?])[] = [
    ['a function that is listed, of any station', true, INTEGRITY, { station: 77 }],
    ['one that is listed by its code', true, 'c0 0d'],
    ['one that is not listed', false, 'c0 0e'],
    ['a control of an output of the range', true, `c0 03 ${CROB('0300')}`],
    ['of one beside it', false, `c0 03 ${CROB('0400')}`],
    [
      'of one within and one beside it',
      false,
      `c0 03 0c01 28 0200 ${'0000 03 01 64000000 64000000 00 0900 03 01 64000000 64000000 00'}`,
    ],
    ['of one beside it, behind a range that is allowed', false, 'c0 03 0c01 10 03 03 09 03 01 64000000 64000000 00'],
    ['of another station', false, `c0 03 ${CROB('0300')}`, { station: 11 }],
    ['by a function that is not listed for it', false, `c0 05 ${CROB('0300')}`],
    ['of a variation that is not listed', false, 'c0 03 2901 28 0100 0700 01000000 00'],
    ['of the one that is', true, 'c0 03 2903 28 0100 0700 0000803f 00'],
    ['two headers, both allowed', true, `c0 03 ${CROB('0100')} 2903 28 0100 0700 0000803f 00`],
    ['two headers, one of them not', false, `c0 03 ${CROB('0100')} 2903 28 0100 0800 0000803f 00`],
    [
      'in aggressive mode, the wrapping is nothing of its own',
      true,
      `c0 03 7803 07 01 01000000 0100 ${CROB('0100')} 7809 5b 01 0400 aabbccdd`,
    ],
    ['the time', true, SET_TIME],
    ['a deadband', false, 'c0 02 2201 00 03 03 0500'],
    ['the time and a deadband', false, `${SET_TIME} 2201 00 03 03 0500`],
    ['DEVICE_RESTART', true, 'c0 02 5001 00 07 07 00'],
    ['other indications', false, 'c0 02 5001 00 04 07 00'],
    ['all points of a group that is listed whole', true, 'c0 07 1400 06', { station: 11 }],
    ['all points of one that is listed in part', false, 'c0 07 1e00 06', { station: 11 }],
    ['the first so many of it', false, 'c0 07 1e00 07 02', { station: 11 }],
    ['a range within the part', true, 'c0 07 1e00 00 05 09', { station: 11 }],
    ['a range beyond it', false, 'c0 07 1e00 00 05 0a', { station: 11 }],
    ['single points of it', true, 'c0 07 1e00 17 02 05 09', { station: 11 }],
    ['no objects at all where some are needed', false, 'c0 07', { station: 11 }],
    ['objects that cannot be told to the end', false, `c0 03 ${CROB('0300')} 0c`],
    ['a broadcast under a rule for one station', false, `c0 03 ${CROB('0300')}`, { station: 0xffff }],
    ['a CONFIRM', true, 'c0 00'],
    ['a CONFIRM with something behind it', false, 'c0 00 0c01 06'],
    ['a request too short to have a function', false, 'c0'],
    ['the beginning of a long request under a rule with objects', false, `c0 03 ${CROB('0300')}`, { final: false }],
    ['of one under a rule without', true, INTEGRITY, { final: false }],
    ['what goes on with a request', true, '00', { first: false }],
    ['anything from a device', true, 'c0 81 0000', { direction: 'to-master' }],
  ]
  for (const [what, permitted, hex, form] of table) {
    it(`${permitted ? 'takes' : 'refuses'} ${what}`, () => expect(permits(hex, form)).to.equal(permitted))
  }

  it('frames of the link layer alone pass; what is no frame does not', () => {
    const link = { frameCount: false, countValidOrBusy: false, destination: 10, source: 1, user: new Uint8Array(0) }
    for (const [primary, code] of [
      [true, LINK.RESET_LINK_STATES],
      [true, LINK.REQUEST_LINK_STATUS],
      [false, LINK.ACK],
    ] as const) {
      expect(
        rules.permits(encodeLinkFrame({ ...link, fromMaster: true, primary, function: code }), 'to-device'),
      ).to.equal(true)
    }
    const broken = frame(INTEGRITY)
    broken[9]! ^= 1
    expect(rules.permits(broken, 'to-device')).to.equal(false)
    expect(rules.permits(new Uint8Array(0), 'to-device')).to.equal(false)
  })

  it('where every rule has objects, nothing that goes on with a request passes', () => {
    const only = dnp3Adapter.rules!([{ objects: ['g12'] }])
    expect(only.permits(frame('00', { first: false }), 'to-device')).to.equal(false)
    expect(only.permits(frame(`c0 05 ${CROB('ffff')}`), 'to-device')).to.equal(true)
  })

  const wrong: readonly (readonly [unknown, string])[] = [
    ['READ', 'a list of rules is expected'],
    [[1], 'rule 1 is no map'],
    [[{ functions: ['READ'] }, { unit: 1 }], 'rule 2: unit: unknown key; there are stations, functions, objects'],
    [[{ functions: [] }], 'rule 1: functions: a list that is not empty'],
    [[{ functions: ['RESPONSE'] }], 'rule 1: functions: RESPONSE: function codes, or names'],
    [[{ functions: [99] }], 'rule 1: functions: 99: function codes, or names'],
    [[{ stations: [70_000] }], 'rule 1: stations: 70000: link addresses from 0 to 65535'],
    [[{ objects: ['g12/5..3'] }], 'rule 1: objects: g12/5..3: write g12, g12v1, g12/3 or g12/0..7'],
    [[{ objects: ['bo/3'] }], 'rule 1: objects: bo/3: write g12'],
  ]
  for (const [raw, message] of wrong) {
    it(`says what is wrong: ${message}`, () => {
      expect(() => dnp3Adapter.rules!(raw))
        .to.throw(UsageError, message)
        .with.property('code', 'adapter.rules')
    })
  }
})
