import { stat } from 'node:fs/promises'
import { GridsealError, ProtocolError, UsageError } from '@gridseal/wire'
import { formatEndpoint } from '../endpoint.ts'
import type { SerialEndpoint } from '../endpoint.ts'
import { settleConnect } from '../options.ts'
import type { ConnectOptions } from '../options.ts'
import { systemError } from '../system-error.ts'
import { holderText, lockedBy, openedBy } from './lock.ts'
import type { PortHolder } from './lock.ts'
import { loadSerialBinding } from './serial-binding.ts'
import type { SerialBinding, SerialOpenOptions, SerialPortHandle } from './serial-binding.ts'
import { SerialConnection, driverLines } from './serial-connection.ts'
import { SharedLine } from './shared-line.ts'
import type { Connection } from '../connection.ts'

/** The binding reports errors of the system by their text alone. */
const ERRNO_BY_TEXT: readonly (readonly [RegExp, string])[] = [
  [/no such file|file not found/i, 'ENOENT'],
  [/no such device/i, 'ENODEV'],
  [/permission denied/i, 'EACCES'],
  [/cannot lock port|resource busy|resource temporarily unavailable|access denied/i, 'EBUSY'],
  [/inappropriate ioctl|not a typewriter/i, 'ENOTTY'],
]

/** Opens a serial port, or joins the links that share it. Rejects with `transport.serial.…`. */
export function connectSerial(endpoint: SerialEndpoint, options: ConnectOptions): Promise<Connection> {
  if (endpoint.shared === undefined) return openSerial(endpoint, options)
  const { timeout: _timeout, signal: _signal, ...settings } = settleConnect(options, 'serial')
  // What one link gives up, others may be waiting for.
  const { signal: _, ...lasting } = options
  return SharedLine.join(endpoint, settings, () => openSerial(endpoint, lasting))
}

/** Opens a serial port for this process alone, or rejects with `transport.serial.…`. */
export async function openSerial(
  endpoint: SerialEndpoint,
  options: ConnectOptions,
  load: () => Promise<SerialBinding> = loadSerialBinding,
): Promise<SerialConnection> {
  const { timeout, signal, ...settings } = settleConnect(options, 'serial')
  const url = formatEndpoint(endpoint)
  const binding = await load()
  const holder = await lockedBy(endpoint.path)
  if (holder !== undefined) throw busy(url, holder)
  const port = await openWithin(timeout, url, () => binding.open(openOptions(endpoint))).catch(async (error) => {
    const opener = isBusy(error) ? await openedBy(endpoint.path) : undefined
    throw opener === undefined ? error : busy(url, opener, error)
  })
  // Opening takes milliseconds and cannot be interrupted; what was opened in vain is closed before anyone tries again.
  if (signal?.aborted === true) {
    await port.close()
    throw new UsageError('transport.connect.aborted', `${url}: the attempt was given up`)
  }
  if (endpoint.rs485 === 'rts' || endpoint.rs485 === 'rts-inverted') {
    // From the start the line is the others' to send on.
    await port.set(driverLines(endpoint.rs485, false)).catch(async (error: unknown) => {
      await port.close()
      throw systemError('serial', `${url}: RTS cannot be switched`, withErrno(error))
    })
  }
  const device = await stat(endpoint.path).then(
    ({ rdev }) => rdev,
    () => 0,
  )
  return new SerialConnection(port, endpoint, settings, device)
}

function isBusy(error: unknown): boolean {
  return error instanceof GridsealError && error.code === 'transport.serial.busy'
}

function busy(url: string, holder: PortHolder, cause?: unknown): ProtocolError {
  const { pid, name, lockFile = null } = holder
  const details = { where: url, pid, name, lockFile }
  return new ProtocolError('transport.serial.busy', `${url}: ${holderText(holder)}`, details, cause)
}

function openOptions(endpoint: SerialEndpoint): SerialOpenOptions {
  const { path, baud: baudRate, dataBits, parity, stopBits, flow = 'none' } = endpoint
  const soft = flow === 'software'
  return { path, baudRate, dataBits, parity, stopBits, lock: true, rtscts: flow === 'hardware', xon: soft, xoff: soft }
}

function openWithin(timeout: number, url: string, open: () => Promise<SerialPortHandle>): Promise<SerialPortHandle> {
  return new Promise((resolve, reject) => {
    let late = false
    const timer = setTimeout(() => {
      late = true
      reject(new ProtocolError('transport.connect.timeout', `${url}: not open within ${timeout} ms`, { timeout }))
    }, timeout)
    open().then(
      (port) => {
        clearTimeout(timer)
        if (late) void port.close()
        else resolve(port)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(systemError('serial', url, withErrno(error)))
      },
    )
  })
}

function withErrno(error: unknown): unknown {
  if (!(error instanceof Error) || 'code' in error) return error
  const code = ERRNO_BY_TEXT.find(([pattern]) => pattern.test(error.message))?.[1]
  return code === undefined ? error : Object.assign(error, { code })
}
