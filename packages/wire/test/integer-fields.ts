import type { Reader, Writer } from '@gridseal/wire'

/** One fixed-width integer field: how it is written, read, and what fits it. */
export interface NumberField {
  readonly name: string
  readonly size: number
  readonly min: number
  readonly max: number
  readonly write: (writer: Writer, value: number) => Writer
  readonly read: (reader: Reader, field: string) => number
  /** A value with a different digit in every place, and its octets. */
  readonly example: readonly [value: number, hex: string]
}

export const NUMBER_FIELDS: readonly NumberField[] = [
  field(
    'u8',
    1,
    0,
    0xff,
    (w, v) => w.u8(v),
    (r, f) => r.u8(f),
    [0xfe, 'fe'],
  ),
  field(
    'i8',
    1,
    -0x80,
    0x7f,
    (w, v) => w.i8(v),
    (r, f) => r.i8(f),
    [-2, 'fe'],
  ),
  field(
    'u16be',
    2,
    0,
    0xffff,
    (w, v) => w.u16be(v),
    (r, f) => r.u16be(f),
    [0x8123, '8123'],
  ),
  field(
    'u16le',
    2,
    0,
    0xffff,
    (w, v) => w.u16le(v),
    (r, f) => r.u16le(f),
    [0x8123, '2381'],
  ),
  field(
    'i16be',
    2,
    -0x8000,
    0x7fff,
    (w, v) => w.i16be(v),
    (r, f) => r.i16be(f),
    [-0x7edd, '8123'],
  ),
  field(
    'i16le',
    2,
    -0x8000,
    0x7fff,
    (w, v) => w.i16le(v),
    (r, f) => r.i16le(f),
    [-0x7edd, '2381'],
  ),
  field(
    'u24be',
    3,
    0,
    0xff_ffff,
    (w, v) => w.u24be(v),
    (r, f) => r.u24be(f),
    [0x81_2345, '812345'],
  ),
  field(
    'u24le',
    3,
    0,
    0xff_ffff,
    (w, v) => w.u24le(v),
    (r, f) => r.u24le(f),
    [0x81_2345, '452381'],
  ),
  field(
    'i24be',
    3,
    -0x80_0000,
    0x7f_ffff,
    (w, v) => w.i24be(v),
    (r, f) => r.i24be(f),
    [-0x7e_dcbb, '812345'],
  ),
  field(
    'i24le',
    3,
    -0x80_0000,
    0x7f_ffff,
    (w, v) => w.i24le(v),
    (r, f) => r.i24le(f),
    [-0x7e_dcbb, '452381'],
  ),
  field(
    'u32be',
    4,
    0,
    2 ** 32 - 1,
    (w, v) => w.u32be(v),
    (r, f) => r.u32be(f),
    [0x8123_4567, '81234567'],
  ),
  field(
    'u32le',
    4,
    0,
    2 ** 32 - 1,
    (w, v) => w.u32le(v),
    (r, f) => r.u32le(f),
    [0x8123_4567, '67452381'],
  ),
  field(
    'i32be',
    4,
    -(2 ** 31),
    2 ** 31 - 1,
    (w, v) => w.i32be(v),
    (r, f) => r.i32be(f),
    [-0x7edc_ba99, '81234567'],
  ),
  field(
    'i32le',
    4,
    -(2 ** 31),
    2 ** 31 - 1,
    (w, v) => w.i32le(v),
    (r, f) => r.i32le(f),
    [-0x7edc_ba99, '67452381'],
  ),
  field(
    'u48be',
    6,
    0,
    2 ** 48 - 1,
    (w, v) => w.u48be(v),
    (r, f) => r.u48be(f),
    [0x8123_4567_89ab, '8123456789ab'],
  ),
  field(
    'u48le',
    6,
    0,
    2 ** 48 - 1,
    (w, v) => w.u48le(v),
    (r, f) => r.u48le(f),
    [0x8123_4567_89ab, 'ab8967452381'],
  ),
]

function field(
  name: string,
  size: number,
  min: number,
  max: number,
  write: NumberField['write'],
  read: NumberField['read'],
  example: NumberField['example'],
): NumberField {
  return { name, size, min, max, write, read, example }
}

/** A 64-bit field. */
export interface BigField {
  readonly name: string
  readonly min: bigint
  readonly max: bigint
  readonly write: (writer: Writer, value: bigint) => Writer
  readonly read: (reader: Reader, field: string) => bigint
  readonly example: readonly [value: bigint, hex: string]
}

const U64_MAX = 2n ** 64n - 1n
const I64_MIN = -(2n ** 63n)
const I64_MAX = 2n ** 63n - 1n
const E = 0x8123_4567_89ab_cdefn

export const BIG_FIELDS: readonly BigField[] = [
  {
    name: 'u64be',
    min: 0n,
    max: U64_MAX,
    write: (w, v) => w.u64be(v),
    read: (r, f) => r.u64be(f),
    example: [E, '8123456789abcdef'],
  },
  {
    name: 'u64le',
    min: 0n,
    max: U64_MAX,
    write: (w, v) => w.u64le(v),
    read: (r, f) => r.u64le(f),
    example: [E, 'efcdab8967452381'],
  },
  {
    name: 'i64be',
    min: I64_MIN,
    max: I64_MAX,
    write: (w, v) => w.i64be(v),
    read: (r, f) => r.i64be(f),
    example: [BigInt.asIntN(64, E), '8123456789abcdef'],
  },
  {
    name: 'i64le',
    min: I64_MIN,
    max: I64_MAX,
    write: (w, v) => w.i64le(v),
    read: (r, f) => r.i64le(f),
    example: [BigInt.asIntN(64, E), 'efcdab8967452381'],
  },
]

/** A floating-point field and a value that is exact in it. */
export interface FloatField {
  readonly name: string
  readonly size: number
  readonly write: (writer: Writer, value: number) => Writer
  readonly read: (reader: Reader, field: string) => number
  readonly example: readonly [value: number, hex: string]
}

export const FLOAT_FIELDS: readonly FloatField[] = [
  { name: 'f32be', size: 4, write: (w, v) => w.f32be(v), read: (r, f) => r.f32be(f), example: [-118.625, 'c2ed4000'] },
  { name: 'f32le', size: 4, write: (w, v) => w.f32le(v), read: (r, f) => r.f32le(f), example: [-118.625, '0040edc2'] },
  {
    name: 'f64be',
    size: 8,
    write: (w, v) => w.f64be(v),
    read: (r, f) => r.f64be(f),
    example: [-118.625, 'c05da80000000000'],
  },
  {
    name: 'f64le',
    size: 8,
    write: (w, v) => w.f64le(v),
    read: (r, f) => r.f64le(f),
    example: [-118.625, '0000000000a85dc0'],
  },
]
