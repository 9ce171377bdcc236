import { UsageError } from '@gridseal/wire'

/** What we use of an open port of `serialport`'s binding interface. */
export interface SerialPortHandle {
  /** Resolves with at least one byte. */
  read(buffer: Buffer, offset: number, length: number): Promise<{ readonly bytesRead: number }>
  /** Resolves when the system has taken all of it. */
  write(buffer: Buffer): Promise<void>
  /** Resolves when the last bit has left the line. */
  drain(): Promise<void>
  /** Discards what the system holds, both ways. */
  flush(): Promise<void>
  /** Sets all modem lines at once. */
  set(lines: ModemLines): Promise<void>
  close(): Promise<void>
}

export interface ModemLines {
  readonly brk: boolean
  readonly cts: boolean
  readonly dtr: boolean
  readonly dsr: boolean
  readonly rts: boolean
}

export interface SerialOpenOptions {
  readonly path: string
  readonly baudRate: number
  readonly dataBits: 5 | 6 | 7 | 8
  readonly parity: 'none' | 'even' | 'odd'
  readonly stopBits: 1 | 1.5 | 2
  readonly lock: boolean
  readonly rtscts: boolean
  readonly xon: boolean
  readonly xoff: boolean
}

export interface SerialBinding {
  open(options: SerialOpenOptions): Promise<SerialPortHandle>
}

/** The binding of the optional package `serialport`. Throws {@link UsageError} `transport.serial.missing`. */
export async function loadSerialBinding(
  load: () => Promise<{ readonly SerialPort: { readonly binding: SerialBinding } }> = () => import('serialport'),
): Promise<SerialBinding> {
  try {
    const { SerialPort } = await load()
    return SerialPort.binding
  } catch (error) {
    const message = 'serial lines need the optional package serialport: npm install serialport@13'
    throw new UsageError('transport.serial.missing', message, {}, error)
  }
}
