import { expect } from 'chai'
import type { Direction, Operation } from '@gridseal/adapter'
import { LINK, dnp3Adapter, encodeLinkFrame, encodeSegment } from '@gridseal/dnp3'
import { fromHex } from '@gridseal/wire'
import { linkVectors } from '../support/fixtures.ts'

interface Form {
  readonly direction?: Direction
  readonly first?: boolean
  readonly final?: boolean
}

/** The operation of a fragment, or of a segment of one. */
function operation(hex: string, { direction = 'to-device', first = true, final = true }: Form = {}): Operation {
  const fromMaster = direction === 'to-device'
  const bytes = encodeLinkFrame({
    fromMaster,
    primary: true,
    frameCount: false,
    countValidOrBusy: false,
    function: LINK.UNCONFIRMED_USER_DATA,
    destination: fromMaster ? 10 : 1,
    source: fromMaster ? 1 : 10,
    user: encodeSegment({ first, final, sequence: 0, data: fromHex(hex) }),
  })
  return dnp3Adapter.operation(bytes, direction)
}

const UNKNOWN: Operation = { kind: 'unknown', critical: true }

describe('what DNP3 frames do', () => {
  const table: readonly (readonly [string, string, string, boolean, string?])[] = [
    ['CONFIRM', 'c0 00', 'read', false],
    ['READ of classes', 'c0 01 3c0206 3c0306', 'read', false, 'g60v2, g60v3'],
    ['READ of a range', 'c0 01 1e01 00 00 09', 'read', false, 'g30/0..9'],
    ['READ of single points', 'c0 01 1e01 17 02 05 07', 'read', false, 'g30/5, g30/7'],
    ['READ of a file', 'c0 01 4605 5b 01 0800 7856341200000000', 'file', false, 'g70v5'],
    ['WRITE of deadbands', 'c0 02 2201 00 03 03 0500', 'write', true, 'g34/3'],
    ['WRITE of the time', 'c0 02 3201 07 01 ebe45a87ff00', 'time', true, 'g50v1'],
    ['WRITE of the recorded time', 'c0 02 3203 07 01 ebe45a87ff00', 'time', true, 'g50v3'],
    ['WRITE of a file', 'c0 02 4605 5b 01 0900 785634120000000041', 'file', true, 'g70v5'],
    ['WRITE that clears DEVICE_RESTART', 'c0 02 5001 00 07 07 00', 'manage', false, 'g80/7'],
    ['WRITE of this and that', 'c0 02 5001 00 07 07 00 3201 07 01 ebe45a87ff00', 'write', true, 'g80/7, g50v1'],
    ['SELECT', 'c0 03 0c01 17 01 01 4101000000000000000000', 'control', true, 'g12/1'],
    ['OPERATE', 'c0 04 0c01 28 0100 0200 4101000000000000000000', 'control', true, 'g12/2'],
    ['DIRECT_OPERATE', 'c0 05 2902 28 0200 0100 850000 0300 850000', 'control', true, 'g41/1, g41/3'],
    ['DIRECT_OPERATE_NR', 'c0 06 2902 17 01 01 850000', 'control', true, 'g41/1'],
    ['IMMED_FREEZE', 'c0 07 1400 06', 'manage', false, 'g20v0'],
    ['FREEZE_CLEAR', 'c0 09 1400 06', 'manage', true, 'g20v0'],
    ['FREEZE_AT_TIME', 'c0 0b 3202 07 01 000000000000e8030000 1400 06', 'manage', true, 'g50v2, g20v0'],
    ['COLD_RESTART', 'c0 0d', 'manage', true],
    ['WARM_RESTART', 'c0 0e', 'manage', true],
    ['INITIALIZE_APPL', 'c0 10 5a01 06', 'manage', true, 'g90v1'],
    ['STOP_APPL', 'c0 12 5a01 06', 'manage', true, 'g90v1'],
    ['SAVE_CONFIG', 'c0 13', 'manage', true],
    ['ENABLE_UNSOLICITED', 'c0 14 3c0206', 'manage', true, 'g60v2'],
    ['DISABLE_UNSOLICITED', 'c0 15 3c0206', 'manage', true, 'g60v2'],
    ['ASSIGN_CLASS', 'c0 16 3c0206 1e00 00 00 04', 'manage', true, 'g60v2, g30/0..4'],
    ['DELAY_MEASURE', 'c0 17', 'time', false],
    ['RECORD_CURRENT_TIME', 'c0 18', 'time', false],
    ['OPEN_FILE', 'c0 19 4603 5b 01 1a00 1a00000000000000000000000000000000000000000000000000', 'file', true, 'g70v3'],
    [
      'DELETE_FILE',
      'c0 1b 4603 5b 01 1a00 1a00000000000000000000000000000000000000000000000000',
      'file',
      true,
      'g70v3',
    ],
    ['ABORT_FILE', 'c0 1e 4604 5b 01 0d00 78563412000000000000000000', 'file', true, 'g70v4'],
    ['ACTIVATE_CONFIG', 'c0 1f 6e03 00 00 00 616263', 'manage', true, 'g110/0'],
    ['AUTHENTICATE_REQ', 'c0 20 7804 07 01 0100', 'auth', true, 'g120v4'],
    ['AUTH_REQ_NO_ACK', 'c0 21 7807 5b 01 0f00 000000000000000000000000000000', 'auth', false, 'g120v7'],
  ]
  for (const [name, hex, kind, critical, target] of table) {
    it(`${name}: ${kind}${critical ? ', critical' : ''}`, () => {
      expect(operation(hex)).to.deep.equal(target === undefined ? { kind, critical } : { kind, critical, target })
    })
  }

  it('responses, unsolicited responses, and authentication of devices', () => {
    const kinds = ['c0 81 0000', 'f0 82 8000', 'c0 83 0000 7801 5b 01 0c00 000000000000010174657374'].map(
      (hex) => operation(hex, { direction: 'to-master' }).kind,
    )
    expect(kinds).to.deep.equal(['response', 'event', 'auth'])
  })

  it('a request is what it is, whichever way it goes', () => {
    const trip = 'c0 05 0c01 17 01 01 8101000000000000000000'
    expect(operation(trip, { direction: 'to-master' }).kind).to.equal('control')
    expect(operation('c0 81 0000').kind).to.equal('response')
  })

  it('long lists are cut', () => {
    const indexes = Array.from({ length: 20 }, (_, i) => i.toString(16).padStart(2, '0')).join('')
    expect(operation(`c0 01 1e01 17 14 ${indexes}`).target).to.equal(
      'g30/0, g30/1, g30/2, g30/3, g30/4, g30/5, g30/6, g30/7 and 12 more',
    )
  })

  describe('what cannot be told is unknown', () => {
    it('reserved functions', () => {
      expect(operation('c0 70 3c0106')).to.deep.equal({ ...UNKNOWN, target: 'function 112' })
    })
    it('a READ whose objects do not add up', () => {
      expect(operation('c0 01 3c01 06 3c02 7f')).to.deep.include(UNKNOWN)
    })
    it('but a control stays a control, and a write a write, whatever is wrong with its objects', () => {
      expect(operation('c0 05 0c01 17 02 01 41')).to.deep.include({ kind: 'control', critical: true })
      expect(operation('c0 02 2201 00 03')).to.deep.include({ kind: 'write', critical: true })
      expect(operation('c0 02 5001 00 07 07 00 5001')).to.deep.include({ kind: 'write', critical: true })
      expect(operation('c0 0d ff')).to.deep.include({ kind: 'manage', critical: true })
    })
    it('damaged frames and no frames', () => {
      for (const hex of ['', '0564', '05640bc40a000100acd1c1c1013c01061ec7', '056405c40a000100a920']) {
        expect(dnp3Adapter.operation(fromHex(hex), 'to-device')).to.deep.equal(UNKNOWN)
      }
    })
    it('a fragment whose function is not in its first segment', () => {
      for (const hex of ['', 'c0']) expect(operation(hex, { final: false })).to.deep.equal(UNKNOWN)
    })
  })

  describe('a fragment in several segments', () => {
    it('is judged by the first', () => {
      expect(operation('c0 05 0c01 28 2000 0100 41', { final: false }).kind).to.equal('control')
      expect(operation('c0 01 1e01 00 00', { final: false }).kind).to.equal('read')
      expect(operation('c0 02 4605 5b 01 0004 78563412', { final: false }).kind).to.equal('file')
      expect(operation('c0 81 0000 1e01 00 00', { final: false, direction: 'to-master' }).kind).to.equal('response')
    })
    it('to a device: what goes on does not say what it does', () => {
      expect(operation('0102', { first: false })).to.deep.equal({ ...UNKNOWN, target: 'continuation' })
    })
    it('from a device: it goes with the answer', () => {
      expect(operation('0102', { first: false, direction: 'to-master' })).to.deep.equal({
        kind: 'response',
        critical: false,
      })
    })
  })

  it('frames of the link layer alone go with reading', () => {
    for (const { name, hex, function: link, prm } of linkVectors().valid) {
      if (link.includes('USER_DATA')) continue
      const bytes = fromHex(hex)
      expect(dnp3Adapter.operation(bytes, 'to-device'), name).to.deep.equal({
        kind: 'read',
        critical: false,
        target: 'link',
      })
      expect(dnp3Adapter.operation(bytes, 'to-master').kind, name).to.equal(prm === 0 ? 'response' : 'read')
    }
  })

  it('link frames of withdrawn and reserved functions do not', () => {
    const of = (name: string): Operation => {
      return dnp3Adapter.operation(
        fromHex(linkVectors().rejected.find((vector) => vector.name === name)!.hex),
        'to-device',
      )
    }
    expect(of('reserved/obsolete primary function 0x1')).to.deep.equal({
      kind: 'manage',
      critical: true,
      target: 'link',
    })
    expect(of('reserved/obsolete primary function 0x5')).to.deep.equal(UNKNOWN)
    expect(of('reset link with payload')).to.deep.equal(UNKNOWN)
  })
})
