// Bytes
export { Reader, bit, bits } from './reader.ts'
export { Writer } from './writer.ts'
export { TextWriter, octetsOf } from './text-writer.ts'
export { allocate } from './allocate.ts'
export { fromHex, toHex } from './hex.ts'

// Ethernet
export { HSR_TAG, VLAN_TAGS, formatMac, parseMac } from './ethernet.ts'

// BER and DER
export { BerReader } from './ber/reader.ts'
export type { BitString } from './ber/reader.ts'
export type { BerOptions } from './ber/header.ts'
export { BerWriter } from './ber/writer.ts'
export {
  BER,
  applicationConstructed,
  berTag,
  contextConstructed,
  contextTag,
  formatTag,
  isConstructed,
  tagClass,
  tagNumber,
} from './ber/tag.ts'
export type { BerTag, BerTagClass } from './ber/tag.ts'
export { decodeOid, decodeRelativeOid, encodeOid, encodeRelativeOid } from './ber/oid.ts'

// Check sums
export { CRC_MODELS, crc16Dnp, crc16Modbus, crc16X25, crc32Ssp21, crc32c, makeCrc } from './crc.ts'
export type { Crc, CrcModel } from './crc.ts'

// Errors
export {
  AuthError,
  DecodeError,
  GridsealError,
  InternalError,
  ProtocolError,
  UsageError,
  describeError,
} from './errors.ts'
export type { ErrorDetails } from './errors.ts'
