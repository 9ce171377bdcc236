/**
 * One table-driven engine for CRCs of up to 32 bits. The models are data: polynomial, initial register, final XOR; names
 * and check values (`123456789`) as in the CRC catalogue of the RevEng project.
 */
export interface CrcModel {
  readonly name: string
  readonly width: 16 | 32
  /** Generator polynomial, bit-reversed unless `msbFirst`. */
  readonly polynomial: number
  /** The most significant bit of each byte goes first; 32 bits only. Default: the least, as on most lines. */
  readonly msbFirst?: true
  readonly init: number
  readonly xorOut: number
  /** CRC of the ASCII digits 1 to 9. */
  readonly check: number
}

/** A CRC over `bytes[start..end)`, as an unsigned number. */
export type Crc = (bytes: Uint8Array, start?: number, end?: number) => number

export const CRC_MODELS: Readonly<Record<'dnp' | 'modbus' | 'x25' | 'crc32c' | 'ssp21', CrcModel>> = {
  dnp: { name: 'CRC-16/DNP', width: 16, polynomial: 0xa6bc, init: 0, xorOut: 0xffff, check: 0xea82 },
  modbus: { name: 'CRC-16/MODBUS', width: 16, polynomial: 0xa001, init: 0xffff, xorOut: 0, check: 0x4b37 },
  x25: { name: 'CRC-16/X-25', width: 16, polynomial: 0x8408, init: 0xffff, xorOut: 0xffff, check: 0x906e },
  crc32c: {
    name: 'CRC-32C',
    width: 32,
    polynomial: 0x82f63b78,
    init: 0xffff_ffff,
    xorOut: 0xffff_ffff,
    check: 0xe306_9283,
  },
  ssp21: {
    name: 'CRC-32/SSP21',
    width: 32,
    polynomial: 0xf4ac_fb13,
    msbFirst: true,
    init: 0,
    xorOut: 0,
    check: 0x6c9f_84a8,
  },
}

/**
 * Builds a CRC function of a model. Eight bytes a step ("slicing by 8"), a byte at a time for the rest.
 */
export function makeCrc(model: CrcModel): Crc {
  return model.msbFirst === true ? makeMsbFirst(model) : makeReflected(model)
}

function makeMsbFirst({ polynomial, init, xorOut }: CrcModel): Crc {
  const table = new Int32Array(256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte << 24
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ polynomial : crc << 1
    table[byte] = crc
  }
  return (bytes, start = 0, end = bytes.length) => {
    let crc = init
    for (let i = start; i < end; i++) crc = table[((crc >>> 24) ^ bytes[i]!) & 0xff]! ^ (crc << 8)
    return (crc ^ xorOut) >>> 0
  }
}

function makeReflected(model: CrcModel): Crc {
  const t = slicingTables(model.polynomial)
  const { init, xorOut } = model
  return (bytes, start = 0, end = bytes.length) => {
    let crc = init
    let i = start
    for (; i + 8 <= end; i += 8) {
      const low = crc ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))
      crc =
        t[1792 + (low & 0xff)]! ^
        t[1536 + ((low >>> 8) & 0xff)]! ^
        t[1280 + ((low >>> 16) & 0xff)]! ^
        t[1024 + (low >>> 24)]! ^
        t[768 + bytes[i + 4]!]! ^
        t[512 + bytes[i + 5]!]! ^
        t[256 + bytes[i + 6]!]! ^
        t[bytes[i + 7]!]!
    }
    for (; i < end; i++) crc = t[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8)
    return (crc ^ xorOut) >>> 0
  }
}

/** Eight tables of 256 entries in one array: entry `k * 256 + b` is byte `b` followed by `k` zero bytes. */
function slicingTables(polynomial: number): Int32Array {
  const tables = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
    tables[byte] = crc
  }
  for (let i = 256; i < tables.length; i++) {
    const previous = tables[i - 256]!
    tables[i] = (previous >>> 8) ^ tables[previous & 0xff]!
  }
  return tables
}

/** CRC-16/DNP (IEEE 1815, link layer); sent low octet first. */
export const crc16Dnp: Crc = makeCrc(CRC_MODELS.dnp)
/** CRC-16/MODBUS (Modbus over serial line 6.2.2); sent low octet first. */
export const crc16Modbus: Crc = makeCrc(CRC_MODELS.modbus)
/** CRC-16/X-25: HDLC, ANSI C12.18; sent low octet first. */
export const crc16X25: Crc = makeCrc(CRC_MODELS.x25)
/** CRC-32C (Castagnoli): journal records. */
export const crc32c: Crc = makeCrc(CRC_MODELS.crc32c)
/** CRC-32 of SSP21's link frames: Hamming distance 6 up to 4,092 bytes. */
export const crc32Ssp21: Crc = makeCrc(CRC_MODELS.ssp21)
