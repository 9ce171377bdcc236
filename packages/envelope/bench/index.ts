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
import { median, quantile } from '../../../test/support/bench.ts'

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
    const [seal, open] = [new Rates(), new Rates()]
    let overhead = 0
    for (let i = 0; i < RUNS; i++) {
      const batches = await seal.measure(FRAMES, () => sealAll(perBatch))
      overhead = batches.reduce((sum, { bytes }) => sum + bytes.length, 0) / FRAMES - FRAME_LENGTH
      const opener = new Opener({ key: () => key.publicKey })
      await open.measure(FRAMES, () => {
        for (const { bytes } of batches) opener.open(bytes)
      })
    }
    const name = `ML-DSA-65, ${perBatch} frames a batch`
    seal.tell(figure, name, 'seal', 'frames')
    open.tell(figure, name, 'open', 'frames')
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

/** Rates by the clock, and by the processor's time, signatures on other threads included: that other load leaves as it is. */
class Rates {
  readonly #wall: number[] = []
  readonly #cpu: number[] = []

  async measure<T>(things: number, work: () => T | Promise<T>): Promise<T> {
    const start = performance.now()
    const before = process.cpuUsage()
    const result = await work()
    const { user, system } = process.cpuUsage(before)
    this.#wall.push(things / ((performance.now() - start) / 1000))
    this.#cpu.push(things / ((user + system) / 1e6))
    return result
  }

  tell(figure: Report, name: string, metric: string, unit: string): void {
    figure(name, metric, median(this.#wall), `${unit}/s`)
    figure(name, `${metric}, by processor time`, median(this.#cpu), `${unit}/s`)
  }
}

/** Frames a millisecond of a steady load. */
const LOADS = [1, 5, 20]
const STEADY_MS = 2000

/** Steady loads under a fast and a slow signer: batches grow with the load, what waits does not, nobody starves. */
async function atItsOwnPace(figure: Report): Promise<void> {
  for (const provider of ['native', 'noble'] as const) {
    const slow = SigningKey.generate('ML-DSA-65', { provider })
    for (const load of LOADS) await steady(figure, `steady load of ${load * 1000} frames/s, ${provider}`, slow, load)
  }
}

async function steady(figure: Report, name: string, signer: SigningKey, load: number): Promise<void> {
  const came: number[] = []
  const delays: number[] = []
  let batches = 0
  const sealer = new Sealer({
    key: signer,
    site: 'bench',
    direction: 'to-master',
    onBatch: ({ entries }) => {
      const now = performance.now()
      for (let i = 0; i < entries; i++) delays.push(now - (came[delays.length] ?? now))
      batches++
    },
    onError: (error) => {
      throw error
    },
  })
  const start = performance.now()
  for (let now = start; now - start < STEADY_MS; now = performance.now()) {
    // What is due by now, as a device that does not wait would have sent it.
    const due = Math.floor((now - start) * load) - came.length
    for (let i = 0; i < due; i++) came.push(start + came.length / load)
    if (due > 0) sealer.add(frames(due))
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  const pending = came.length - delays.length
  await sealer.close()
  figure(name, 'frames a batch', delays.length / batches, 'frames', 1)
  figure(name, 'from arrival to signature, p50', quantile(delays, 0.5), 'ms', delays.length)
  figure(name, 'from arrival to signature, p99', quantile(delays, 0.99), 'ms', delays.length)
  figure(name, 'from arrival to signature, most', Math.max(...delays), 'ms', delays.length)
  figure(name, 'left over at the end', pending, 'frames', 1)
}

/** Gigabytes of the journal that is opened: the full size takes minutes to write (GRIDSEAL_SLOW=1). */
const GIGABYTES = process.env['GRIDSEAL_SLOW'] === '1' ? 10 : 1
const EXTRACTIONS = 20

/** One long stream, sealed and kept; then opened, and searched anew for frames anywhere in it. */
async function bigJournal(figure: Report): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gridseal-bench-'))
  try {
    const writer = await Journal.open(folder, { sync: false })
    const logs = new Map<string, number>()
    let writing = Promise.resolve()
    const sealer = new Sealer({
      key,
      site: 'bench',
      direction: 'to-master',
      limits: { maxEntries: 256, maxPending: Number.POSITIVE_INFINITY },
      onBatch: ({ bytes, stream, treeSize, before }) => {
        logs.set(Buffer.from(stream).toString('hex'), treeSize)
        writing = writer.append(bytes, before).then(() => undefined)
      },
      onError: (error) => {
        throw error
      },
    })
    while (writer.stats.bytes < GIGABYTES * 1e9) {
      sealer.add(frames(8192))
      await sealer.flush()
      await writing
    }
    await sealer.close()
    await writer.close()
    const name = `journal of ${GIGABYTES} GB`
    const open: number[] = []
    for (let i = 0; i < RUNS; i++) {
      const start = performance.now()
      const opened = await Journal.open(folder)
      open.push((performance.now() - start) / 1000)
      await opened.close()
    }
    figure(name, 'open', median(open), 's')
    const extract: number[] = []
    const all = [...logs]
    for (let i = 0; i < EXTRACTIONS; i++) {
      const [stream, size] = all[i % all.length] ?? ['', 1]
      const start = performance.now()
      await extractReceipt(folder, { stream, sequence: 1 + Math.floor(((size - 1) * i) / EXTRACTIONS) })
      extract.push(performance.now() - start)
    }
    figure(name, 'extract one receipt, its indexes read anew', median(extract), 'ms', EXTRACTIONS)
    figure(name, 'extract one receipt, the slowest', Math.max(...extract), 'ms', EXTRACTIONS)
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
      const write = new Rates()
      for (let i = 0; i < RUNS; i++) {
        const target = await Journal.open(join(folder, `${name} ${i}`), { key: keyOption })
        // One group of sixteen batches after the other, each waited for: a bridge under load.
        await write.measure(FRAMES, async () => {
          for (let at = 0; at < batches.length; at += 16) {
            await Promise.all(batches.slice(at, at + 16).map(({ bytes, before }) => target.append(bytes, before)))
          }
        })
        await target.close()
      }
      write.tell(figure, name, 'append with sync', 'frames')
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
