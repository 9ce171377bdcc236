import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UsageError } from '@gridseal/wire'
import { needPeer } from '../../../../test/support/requirements.ts'

/** What a program wrote and how it ended. */
export interface Outcome {
  readonly code: number | null
  readonly output: string
}

/** Runs a program to its end. */
export async function run(program: string, args: readonly string[]): Promise<Outcome> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}

/** A program at work. */
export interface Running {
  readonly pid: number | undefined
  /** Ends it and waits until it is gone. */
  stop(): Promise<void>
}

/** Starts a program that ends only when it is told to. */
export function start(program: string, args: readonly string[]): Running {
  const child = spawn(program, args, { stdio: 'ignore' })
  const gone = once(child, 'exit')
  return {
    pid: child.pid,
    stop: async () => {
      child.kill('SIGKILL')
      await gone
    },
  }
}

/** Two serial ports with a wire between them, by socat. */
export interface PtyPair {
  readonly a: string
  readonly b: string
  close(): Promise<void>
}

export async function openPtyPair(): Promise<PtyPair> {
  const folder = mkdtempSync(join(tmpdir(), 'gridseal-pty-'))
  const [a, b] = [join(folder, 'a'), join(folder, 'b')]
  const socat = start('socat', [`pty,raw,echo=0,link=${a}`, `pty,raw,echo=0,link=${b}`])
  await until(() => existsSync(a) && existsSync(b), 'socat made no ports')
  return {
    a,
    b,
    close: async () => {
      await socat.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Waits for something that another process does. */
export async function until(done: () => boolean | Promise<boolean>, otherwise: string, limit = 10_000): Promise<void> {
  const end = Date.now() + limit
  while (!(await done())) {
    if (Date.now() > end) throw new UsageError('test.peer', otherwise)
    await sleep(20)
  }
}

/** Whether a process has a file open; where the system does not tell (elsewhere than on Linux), it is believed to. */
export function hasOpen(process: Running, path: string): boolean {
  const folder = `/proc/${process.pid}/fd`
  if (!existsSync('/proc/self/fd')) return true
  try {
    const file = realpathSync(path)
    return readdirSync(folder).some((name) => readlinkSync(join(folder, name)) === file)
  } catch {
    // It has not started, or a descriptor has gone meanwhile.
    return false
  }
}

/** A TCP port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A Python that has pymodbus; without one the test is left out. */
export async function pythonWithPymodbus(context: Mocha.Context): Promise<string> {
  for (const python of ['/usr/bin/python3', 'python3']) {
    const found = await run(python, ['-c', 'import pymodbus, serial']).catch(() => undefined)
    if (found?.code === 0) return python
  }
  needPeer(context, 'python3-pymodbus')
  return 'python3'
}

/** A pymodbus device; see `pymodbus-server.py`. */
export function startPymodbus(python: string, mode: 'tcp' | 'rtu', where: string): Running {
  return start(python, [join(import.meta.dirname, 'pymodbus-server.py'), mode, where])
}

/** A Python that can load libmodbus; without one the test is left out. */
export async function pythonWithLibmodbus(context: Mocha.Context): Promise<string> {
  for (const python of ['/usr/bin/python3', 'python3']) {
    const found = await run(python, ['-c', 'import ctypes; ctypes.CDLL("libmodbus.so.5")']).catch(() => undefined)
    if (found?.code === 0) return python
  }
  needPeer(context, 'libmodbus5')
  return 'python3'
}

/** A libmodbus device; see `libmodbus-server.py`. */
export function startLibmodbus(python: string, mode: 'tcp' | 'rtu', where: string): Running {
  return start(python, [join(import.meta.dirname, 'libmodbus-server.py'), mode, where])
}
