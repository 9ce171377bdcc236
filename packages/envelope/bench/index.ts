import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { FrameEntry, SealedBatch } from '@gridseal/envelope'
import {
  GroupMember,
  GroupOwner,
  GroupReceiver,
  GroupSender,
  Journal,
  JournalKey,
  Opener,
  Sealer,
  extractReceipt,
  verifyJournal,
} from '@gridseal/envelope'
import { SigningKey, generateKemKeyPair } from '@gridseal/pqc'
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
      overhead = batches.reduce((sum, { bytes }) => sum + bytes.length, 0) / FRAMES - FRAME_LENGTH
      const begun = performance.now()
      const opener = new Opener({ key: () => key.publicKey })
      for (const { bytes } of batches) opener.open(bytes)
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
  await atItsOwnPace(figure)
  await journal(figure)
  await bigJournal(figure)
  await group(figure)
}

type Report = (name: string, metric: string, value: number, unit: string, runs?: number) => void

/** A steady load under a slow signer: batches grow, nobody starves. */
async function atItsOwnPace(figure: Report): Promise<void> {
  for (const provider of ['native', 'noble'] as const) {
    const slow = SigningKey.generate('ML-DSA-65', { provider })
    let sealed = 0
    let batches = 0
    const sealer = new Sealer({
      key: slow,
      site: 'bench',
      direction: 'to-master',
      onBatch: (batch) => {
        sealed += batch.entries
        batches++
      },
      onError: (error) => {
        throw error
      },
    })
    const some = frames(20)
    let longest = 0
    let added = 0
    const start = performance.now()
    for (let turn = start; turn - start < 2000;) {
      sealer.add(some)
      added += some.length
      await new Promise((resolve) => setTimeout(resolve, 1))
      const now = performance.now()
      longest = Math.max(longest, now - turn)
      turn = now
    }
    const pending = added - sealed
    await sealer.close()
    const name = `steady load, ${provider}`
    figure(name, 'sealed', sealed / ((performance.now() - start) / 1000), 'frames/s', 1)
    figure(name, 'frames a batch', sealed / batches, 'frames', 1)
    figure(name, 'left over', pending, 'frames', 1)
    figure(name, 'longest turn', longest, 'ms', 1)
  }
}

/** Gigabytes of the journal that is opened: the full size takes minutes to write (GRIDSEAL_SLOW=1). */
const GIGABYTES = process.env['GRIDSEAL_SLOW'] === '1' ? 10 : 1

async function bigJournal(figure: Report): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gridseal-bench-'))
  try {
    const batches = await sealAll(256)
    const writer = await Journal.open(folder, { sync: false })
    while (writer.stats.bytes < GIGABYTES * 1e9) {
      await Promise.all(batches.map(({ bytes, before }) => writer.append(bytes, before)))
    }
    await writer.close()
    const name = `journal of ${GIGABYTES} GB`
    const open: number[] = []
    for (let i = 0; i < RUNS; i++) {
      const start = performance.now()
      const journal = await Journal.open(folder)
      open.push((performance.now() - start) / 1000)
      await journal.close()
    }
    figure(name, 'open', median(open), 's')
    const extract: number[] = []
    for (let i = 0; i < RUNS; i++) {
      const start = performance.now()
      await extractReceipt(folder, { stream: '', sequence: 50_000 + i })
      extract.push(performance.now() - start)
    }
    figure(name, 'extract one receipt', median(extract), 'ms')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Messages of 256 bytes to a group, each with a MAC. */
async function group(figure: Report): Promise<void> {
  const now = Date.now()
  const id = new Uint8Array(16).fill(1)
  const owner = new GroupOwner({ key, group: id })
  const keyPair = generateKemKeyPair('ML-KEM-768')
  const member = new GroupMember({ group: id, owner: key.publicKey, keyPair })
  await owner.add({ kem: 'ML-KEM-768', publicKey: keyPair.publicKey })
  for (const { bytes } of await owner.rotate(now)) member.accept(bytes, now)
  const sender = new GroupSender(member, Buffer.from('ied-0001'))
  const receiver = new GroupReceiver(member)
  const payload = new Uint8Array(FRAME_LENGTH)
  const [protect, open]: [number[], number[]] = [[], []]
  for (let run = 0; run < RUNS; run++) {
    const start = performance.now()
    const messages = Array.from({ length: 50_000 }, () => sender.protect(payload, now))
    protect.push(50_000 / ((performance.now() - start) / 1000))
    const begun = performance.now()
    for (const message of messages) receiver.open(message, now)
    open.push(50_000 / ((performance.now() - begun) / 1000))
  }
  figure('group, HMAC 256/256', 'protect', median(protect), 'messages/s')
  figure('group, HMAC 256/256', 'open', median(open), 'messages/s')
}

async function journal(figure: Report): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gridseal-bench-'))
  try {
    const batches = await sealAll(256)
    for (const [name, keyOption] of [
      ['journal', undefined],
      ['journal, encrypted', JournalKey.generate()],
    ] as const) {
      const write: number[] = []
      for (let i = 0; i < RUNS; i++) {
        const target = await Journal.open(join(folder, `${name} ${i}`), { key: keyOption })
        const start = performance.now()
        // One group of sixteen batches after the other, each waited for: a bridge under load.
        for (let at = 0; at < batches.length; at += 16) {
          await Promise.all(batches.slice(at, at + 16).map(({ bytes, before }) => target.append(bytes, before)))
        }
        write.push(FRAMES / ((performance.now() - start) / 1000))
        await target.close()
      }
      figure(name, 'append with sync', median(write), 'frames/s')
    }
    const verify: number[] = []
    const extract: number[] = []
    for (let i = 0; i < RUNS; i++) {
      const start = performance.now()
      await verifyJournal(join(folder, 'journal 0'), { keys: [key.publicKey] })
      verify.push(FRAMES / ((performance.now() - start) / 1000))
      const begun = performance.now()
      await extractReceipt(join(folder, 'journal 0'), { stream: '', sequence: 1000 * (i + 1) })
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

async function sealAll(perBatch: number): Promise<SealedBatch[]> {
  const batches: SealedBatch[] = []
  const sealer = new Sealer({
    key,
    site: 'bench',
    direction: 'to-master',
    limits: { maxEntries: perBatch, maxPending: Number.POSITIVE_INFINITY },
    onBatch: (batch) => batches.push(batch),
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
