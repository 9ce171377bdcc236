/** Limits of the Modbus Application Protocol V1.1b3 (quantities) and of its frames (lengths in bytes). */

/** Function code and data (4.1). */
export const MAX_PDU = 253

export const MAX_READ_BITS = 2000
export const MAX_READ_WORDS = 125
export const MAX_WRITE_BITS = 0x7b0
export const MAX_WRITE_WORDS = 0x7b
/** Registers written by function 23; fewer than function 16 because the request also names what to read. */
export const MAX_READ_WRITE_WORDS = 0x79
export const MAX_FIFO_WORDS = 31
/** Highest record number of a file (6.14). */
export const MAX_RECORD = 0x270f

/** Transaction, protocol, length, unit. */
export const MBAP_HEADER = 7
/** Value of the MBAP length field: unit and PDU. */
export const MIN_MBAP_LENGTH = 2
export const MAX_MBAP_LENGTH: number = 1 + MAX_PDU
export const MAX_TCP_ADU: number = 6 + MAX_MBAP_LENGTH

/** Address, function, CRC. */
export const MIN_RTU_ADU = 4
export const MAX_RTU_ADU = 256
/** `:`, two digits for each of address, PDU and LRC, CR LF. */
export const MAX_ASCII_ADU = 513
