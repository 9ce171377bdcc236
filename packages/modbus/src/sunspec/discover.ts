import { ProtocolError } from '@gridseal/wire'
import { MAX_READ_WORDS } from '../codec/limits.ts'
import type { SunSpecModel } from './models.ts'
import { sunSpecModel } from './models.ts'

/** Reads holding registers. Rejects with `modbus.exception` for addresses that a device does not have. */
export type ReadRegisters = (address: number, quantity: number) => Promise<readonly number[]>

/** One model of a device. */
export interface SunSpecBlock {
  readonly id: number
  /** Address of the model identifier. */
  readonly address: number
  /** Registers after the length. */
  readonly length: number
  /** Its definition, where it is known. */
  readonly model: SunSpecModel | undefined
}

/** Where a device may begin its models. */
const BASES: readonly number[] = [40_000, 50_000, 0]
/** "SunS". */
const MARKER = [0x5375, 0x6e53] as const
const END = 0xffff
/** Longer chains are loops. */
const MOST_MODELS = 100

/**
 * Walks the models of a SunSpec device. Resolves with an empty list for a device that has no marker. Rejects with
 * {@link ProtocolError} `modbus.sunspec` for a chain that leads nowhere: too long, past the last register, or with a
 * known model of no length.
 */
export async function discoverSunSpec(read: ReadRegisters): Promise<SunSpecBlock[]> {
  for (const base of BASES) {
    if (await hasMarker(read, base)) return walk(read, base + MARKER.length)
  }
  return []
}

/** All registers of a model, identifier and length included, in as many reads as it takes. */
export async function readSunSpecBlock(read: ReadRegisters, block: SunSpecBlock): Promise<number[]> {
  const words: number[] = []
  const total = 2 + block.length
  while (words.length < total) {
    const quantity = Math.min(MAX_READ_WORDS, total - words.length)
    words.push(...(await read(block.address + words.length, quantity)))
  }
  return words
}

async function hasMarker(read: ReadRegisters, base: number): Promise<boolean> {
  try {
    const words = await read(base, MARKER.length)
    return words[0] === MARKER[0] && words[1] === MARKER[1]
  } catch (error) {
    // A device that has nothing there says so; one that does not answer is no reason to look on.
    if (error instanceof ProtocolError && error.code === 'modbus.exception') return false
    throw error
  }
}

async function walk(read: ReadRegisters, start: number): Promise<SunSpecBlock[]> {
  const blocks: SunSpecBlock[] = []
  let address = start
  for (;;) {
    if (blocks.length === MOST_MODELS) throw broken(address, `more than ${MOST_MODELS} models`)
    if (address + 2 > 0x1_0000) throw broken(address, 'the chain goes past the last register')
    const [id = END, length = 0] = await read(address, 2)
    if (id === END) return blocks
    const model = sunSpecModel(id)
    if (model !== undefined && length === 0) throw broken(address, `model ${id} has no length`)
    if (address + 2 + length > 0x1_0000) throw broken(address, `model ${id} ends past the last register`)
    blocks.push({ id, address, length, model })
    address += 2 + length
  }
}

function broken(address: number, what: string): ProtocolError {
  return new ProtocolError('modbus.sunspec', `at ${address}: ${what}`, { address })
}
