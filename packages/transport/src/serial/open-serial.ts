import { stat } from 'node:fs/promises'
import { ProtocolError, UsageError } from '@gridseal/wire'
import { formatEndpoint } from '../endpoint.ts'
import type { SerialEndpoint } from '../endpoint.ts'
import { settleConnect } from '../options.ts'
import type { ConnectOptions } from '../options.ts'
import { systemError } from '../system-error.ts'
import { loadSerialBinding } from './serial-binding.ts'
import type { SerialBinding, SerialOpenOptions, SerialPortHandle } from './serial-binding.ts'
import { SerialConnection } from './serial-connection.ts'

/** The binding reports errors of the system by their text alone. */
const ERRNO_BY_TEXT: readonly (readonly [RegExp, string])[] = [
  [/no such file|file not found/i, 'ENOENT'],
  [/no such device/i, 'ENODEV'],
  [/permission denied/i, 'EACCES'],
  [/cannot lock port|resource busy|resource temporarily unavailable|access denied/i, 'EBUSY'],
  [/inappropriate ioctl|not a typewriter/i, 'ENOTTY'],
]

/** Opens a serial port for this process alone, or rejects with `transport.serial.…`. */
export async function openSerial(
  endpoint: SerialEndpoint,
  options: ConnectOptions,
  load: () => Promise<SerialBinding> = loadSerialBinding,
): Promise<SerialConnection> {
  const { timeout, signal, ...settings } = settleConnect(options, 'serial')
  const url = formatEndpoint(endpoint)
  const binding = await load()
  const port = await openWithin(timeout, url, () => binding.open(openOptions(endpoint)))
  // Opening takes milliseconds and cannot be interrupted; what was opened in vain is closed before anyone tries again.
  if (signal?.aborted === true) {
    await port.close()
    throw new UsageError('transport.connect.aborted', `${url}: the attempt was given up`)
  }
  const device = await stat(endpoint.path).then(
    ({ rdev }) => rdev,
    () => 0,
  )
  return new SerialConnection(port, endpoint, settings, device)
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
