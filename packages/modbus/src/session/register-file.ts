import { UsageError } from '@gridseal/wire'

/** Consecutive cells of a table. */
export interface Block {
  /** Address of the first cell, 0-based. */
  readonly start: number
  /** How many cells, all 0; or their values (bits as 0 and 1). */
  readonly cells: number | readonly number[]
}

/**
 * One table of a device: coils, discrete inputs, input or holding registers. Only the addresses of its blocks exist;
 * bits are kept as 0 and 1.
 */
export class DataTable {
  readonly #blocks: readonly { readonly start: number; readonly cells: Uint16Array }[]

  /** Throws {@link UsageError} for blocks past address 65535 or on top of each other. */
  constructor(blocks: readonly Block[] = []) {
    const sorted = blocks
      .map(({ start, cells }) => ({
        start,
        cells: typeof cells === 'number' ? new Uint16Array(cells) : wordArray(cells),
      }))
      .sort((a, b) => a.start - b.start)
    let free = 0
    for (const { start, cells } of sorted) {
      if (!Number.isInteger(start) || start < free || start + cells.length > 0x1_0000) {
        throw new UsageError(
          'modbus.table.block',
          `block ${start}..${start + cells.length - 1} overlaps or does not fit`,
        )
      }
      free = start + cells.length
    }
    this.#blocks = sorted
  }

  /** The cells of a range, to read and to write in place; undefined unless one block holds all of them. */
  find(address: number, quantity: number): Uint16Array | undefined {
    for (const { start, cells } of this.#blocks) {
      const at = address - start
      if (at >= 0 && at + quantity <= cells.length) return cells.subarray(at, at + quantity)
    }
    return undefined
  }

  /** One cell. Throws {@link UsageError} for an address that the table does not have. */
  get(address: number): number {
    return this.#cells(address, 1)[0]!
  }

  /** Sets consecutive cells. Throws {@link UsageError} for addresses that the table does not have. */
  set(address: number, values: ArrayLike<number>): void {
    this.#cells(address, values.length).set(values)
  }

  #cells(address: number, quantity: number): Uint16Array {
    const cells = this.find(address, quantity)
    if (cells !== undefined) return cells
    throw new UsageError('modbus.table.address', `no block holds ${quantity} cells at ${address}`)
  }
}

function wordArray(values: readonly number[]): Uint16Array {
  for (const value of values) {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff) {
      throw new UsageError('modbus.table.value', `${value} is not a register value`)
    }
  }
  return Uint16Array.from(values)
}

/** The four tables of one unit. */
export interface RegisterFile {
  readonly coils: DataTable
  readonly discreteInputs: DataTable
  readonly inputRegisters: DataTable
  readonly holdingRegisters: DataTable
}
