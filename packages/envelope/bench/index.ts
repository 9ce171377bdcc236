import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { FrameEntry } from '@gridseal/envelope'
import { Journal, Opener, Sealer, extractReceipt, verifyJournal } from '@gridseal/envelope'
import { SigningKey } from '@gridseal/pqc'
import type { Figure } from '../../../test/support/bench.ts'
import { median } from '../../../test/support/bench.ts'

const RUNS = 3
const FRAMES = 100_000
const FRAME_LENGTH = 256
const LONE = 200

const key = SigningKey.generate('ML-DSA-65')

/** Sealing, opening, journal and receipts of 256-byte frames on one core (signatures on the thread pool). */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const figure = (name: string, metric: string, value: number, unit: string, runs = RUNS): void =>
    report({ suite: 'envelope', case: name, metric, value, unit, runs })
  for (const perBatch of [16, 256, 1024]) {
    const seal: number[] = []
    const open: number[] = []
    let overhead = 0
    for (let i = 0; i < RUNS; i++) {
      const start = performance.now()
      const batches = await sealAll(perBatch)
      seal.push(FRAMES / ((performance.now() - start) / 1000))
      overhead = batches.reduce((sum, batch) => sum + batch.length, 0) / FRAMES - FRAME_LENGTH
      const begun = performance.now()
      const opener = new Opener({ key: () => key.publicKey })
      for (const batch of batches) opener.open(batch)
      open.push(FRAMES / ((performance.now() - begun) / 1000))
    }
    const name = `ML-DSA-65, ${perBatch} frames a batch`
    figure(name, 'seal', median(seal), 'frames/s')
    figure(name, 'open', median(open), 'frames/s')
    figure(name, 'overhead', overhead, 'bytes/frame')
  }
  const lone: number[] = []
  for (let i = 0; i < LONE; i++) lone.push(await loneFrame())
  figure('a lone frame', 'sealed and opened, p50', median(lone), 'ms', LONE)
  await journal(figure)
}

async function journal(figure: (name: string, metric: string, value: number, unit: string) => void): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gridseal-bench-'))
  try {
    const batches = await sealAll(256)
    const write: number[] = []
    for (let i = 0; i < RUNS; i++) {
      const target = await Journal.open(join(folder, String(i)))
      const start = performance.now()
      // One group of sixteen batches after the other, each waited for: a bridge under load.
      for (let at = 0; at < batches.length; at += 16) {
        await Promise.all(batches.slice(at, at + 16).map((batch) => target.append(batch)))
      }
      write.push(FRAMES / ((performance.now() - start) / 1000))
      await target.close()
    }
    figure('journal', 'append with sync', median(write), 'frames/s')
    const verify: number[] = []
    const extract: number[] = []
    for (let i = 0; i < RUNS; i++) {
      const start = performance.now()
      await verifyJournal(join(folder, '0'), { keys: [key.publicKey] })
      verify.push(FRAMES / ((performance.now() - start) / 1000))
      const begun = performance.now()
      await extractReceipt(join(folder, '0'), { stream: '', sequence: 1000 * (i + 1) })
      extract.push(performance.now() - begun)
    }
    figure('journal', 'verify', median(verify), 'frames/s')
    figure('journal', 'extract one receipt', median(extract), 'ms')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function frames(count: number): FrameEntry[] {
  const bytes = new Uint8Array(FRAME_LENGTH).fill(0x55)
  const time = 1_700_000_000_000_000_000n
  const entry: FrameEntry = {
    kind: 'frame',
    link: 'meter-1',
    connection: 1,
    direction: 'to-master',
    time,
    protocol: 'modbus',
    bytes,
  }
  return Array.from({ length: count }, () => entry)
}

async function sealAll(perBatch: number): Promise<Uint8Array[]> {
  const batches: Uint8Array[] = []
  const sealer = new Sealer({
    key,
    site: 'bench',
    direction: 'to-master',
    limits: { maxEntries: perBatch, maxPending: Number.POSITIVE_INFINITY },
    onBatch: (batch) => batches.push(batch.bytes),
    onError: (error) => {
      throw error
    },
  })
  sealer.add(frames(FRAMES))
  await sealer.close()
  return batches
}

function loneFrame(): Promise<number> {
  return new Promise((resolve, reject) => {
    const start = performance.now()
    const opener = new Opener({ key: () => key.publicKey })
    const sealer = new Sealer({
      key,
      site: 'bench',
      direction: 'to-master',
      onBatch: (batch) => {
        opener.open(batch.bytes)
        resolve(performance.now() - start)
      },
      onError: reject,
    })
    sealer.add(frames(1))
  })
}
