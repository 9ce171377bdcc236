import fc from 'fast-check'
import type { Asdu, Data, GooseFrame, GoosePdu, SvFrame, UtcTime } from '@gridseal/iec61850'
import { ETHER_TYPE_GOOSE, ETHER_TYPE_SV, vlanTag } from '@gridseal/iec61850'

const octets = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const utcTime: fc.Arbitrary<UtcTime> = fc.record({
  seconds: fc.nat(0xffff_ffff),
  fraction: fc.nat(0xff_ffff),
  quality: fc.nat(0xff),
})
const latin = fc.string({
  unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
  maxLength: 140,
})
const bits = fc
  .tuple(fc.uint8Array({ maxLength: 5 }), fc.nat(7))
  .map(([bytes, unusedBits]) => ({ bytes, unusedBits: bytes.length === 0 ? 0 : unusedBits }))
/** As decoders give them: numbers where they are safe. */
const integer = fc
  .oneof(fc.integer(), fc.bigInt({ min: -(2n ** 100n), max: 2n ** 100n }), fc.maxSafeInteger())
  .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value))
  .map((value) => (Object.is(value, -0) ? 0 : value))

/** Every kind of value; structures and arrays up to four deep. */
export const anyData: fc.Arbitrary<Data> = fc.letrec<{ data: Data }>((tie) => ({
  data: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.record({ kind: fc.constant('boolean' as const), value: fc.boolean() }),
    fc.record({ kind: fc.constantFrom('bitString' as const, 'booleanArray' as const), value: bits }),
    fc.record({ kind: fc.constantFrom('integer' as const, 'unsigned' as const, 'bcd' as const), value: integer }),
    fc.record({
      kind: fc.constant('floatingPoint' as const),
      value: fc.float({ noNaN: true }),
      double: fc.boolean(),
    }),
    fc.record({
      kind: fc.constantFrom('real' as const, 'octetString' as const, 'objId' as const),
      value: fc.uint8Array({ maxLength: 300 }),
    }),
    fc.record({ kind: fc.constant('binaryTime' as const), value: fc.oneof(octets(4), octets(6)) }),
    fc.record({ kind: fc.constantFrom('visibleString' as const, 'generalizedTime' as const), value: latin }),
    fc.record({ kind: fc.constant('mmsString' as const), value: fc.string({ unit: 'grapheme', maxLength: 40 }) }),
    fc.record({ kind: fc.constant('utcTime' as const), value: utcTime }),
    fc.record({
      kind: fc.constantFrom('array' as const, 'structure' as const),
      elements: fc.array(tie('data'), { maxLength: 4 }),
    }),
  ),
})).data

const ethernet = (etherType: number): fc.Arbitrary<GooseFrame['ethernet']> =>
  fc.record({
    destination: octets(6),
    source: octets(6),
    tags: fc.oneof(
      fc.constant([]),
      fc.tuple(fc.nat(4095), fc.nat(7)).map(([id, priority]) => [vlanTag({ id, priority })]),
      octets(4).map((control) => [{ protocol: 0x892f, control }]),
    ),
    etherType: fc.constant(etherType),
  })

const common = {
  header: fc.record({
    appId: fc.nat(0xffff),
    simulated: fc.boolean(),
    reserved1: fc.nat(0x7fff),
    reserved2: fc.nat(0xffff),
  }),
  extension: fc.uint8Array({ maxLength: 40 }),
  padding: fc.uint8Array({ maxLength: 46 }),
}

const u32 = fc.nat(0xffff_ffff)
const pdu: fc.Arbitrary<GoosePdu> = fc.record(
  {
    gocbRef: latin,
    timeAllowedToLive: u32,
    datSet: latin,
    goId: latin,
    t: utcTime,
    stNum: u32,
    sqNum: u32,
    simulation: fc.boolean(),
    confRev: u32,
    ndsCom: fc.boolean(),
    numDatSetEntries: u32,
    allData: fc.array(anyData, { maxLength: 6 }),
    security: fc.uint8Array({ maxLength: 20 }),
  },
  {
    requiredKeys: [
      'gocbRef',
      'timeAllowedToLive',
      'datSet',
      't',
      'stNum',
      'sqNum',
      'confRev',
      'numDatSetEntries',
      'allData',
    ],
  },
)

export const anyGooseFrame: fc.Arbitrary<GooseFrame> = fc.record({
  ethernet: ethernet(ETHER_TYPE_GOOSE),
  ...common,
  pdu,
})

const asdu: fc.Arbitrary<Asdu> = fc.record(
  {
    svId: latin,
    datSet: latin,
    smpCnt: fc.nat(0xffff),
    confRev: u32,
    refrTm: utcTime,
    smpSynch: fc.nat(0xff),
    smpRate: fc.nat(0xffff),
    sample: fc.uint8Array({ maxLength: 140 }),
    smpMod: fc.nat(0xffff),
    gmIdentity: octets(8),
  },
  { requiredKeys: ['svId', 'smpCnt', 'confRev', 'smpSynch', 'sample'] },
)

export const anySvFrame: fc.Arbitrary<SvFrame> = fc.record({
  ethernet: ethernet(ETHER_TYPE_SV),
  ...common,
  pdu: fc.record(
    { noAsdu: fc.nat(0xffff), security: fc.uint8Array({ maxLength: 20 }), asdus: fc.array(asdu, { maxLength: 8 }) },
    { requiredKeys: ['noAsdu', 'asdus'] },
  ),
})
