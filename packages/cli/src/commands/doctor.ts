import { existsSync } from 'node:fs'
import { availableParallelism, freemem, release, totalmem, type } from 'node:os'
import { delimiter, join } from 'node:path'
import { loadConfig } from '@gridseal/bridge'
import { ALGORITHMS, selectProvider } from '@gridseal/pqc'
import { describeError } from '@gridseal/wire'
import { EXIT, bytesText, print, toJson } from '../output.ts'

interface Finding {
  readonly what: string
  readonly state: 'ok' | 'missing' | 'problem'
  readonly detail: string
}

/** What this machine has of what Gridseal uses. Exit code 1 if something that it needs is wrong. */
export async function doctor(options: { readonly config?: string; readonly json: boolean }): Promise<number> {
  const findings: Finding[] = [runtime(), machine(), ...algorithms(), await serialport(), await koffi(), ...tools()]
  if (options.config !== undefined) findings.push(await configuration(options.config))
  for (const finding of findings) {
    if (options.json) print(toJson(finding))
    else print(`${MARK[finding.state]} ${finding.what.padEnd(22)} ${finding.detail}`)
  }
  return findings.some((finding) => finding.state === 'problem') ? EXIT.failed : EXIT.ok
}

const MARK: Readonly<Record<Finding['state'], string>> = { ok: '✓', missing: '–', problem: '✗' }

function runtime(): Finding {
  const { node, openssl } = process.versions
  const [major = 0, minor = 0] = node.split('.').map(Number)
  const good = major > 24 || (major === 24 && minor >= 15)
  const detail = `Node.js ${node}, OpenSSL ${openssl}${good ? '' : ' (24.15 or later is needed)'}`
  return { what: 'runtime', state: good ? 'ok' : 'problem', detail }
}

function machine(): Finding {
  const memory = `${bytesText(freemem())} of ${bytesText(totalmem())} memory free`
  return { what: 'machine', state: 'ok', detail: `${type()} ${release()}, ${availableParallelism()} cores, ${memory}` }
}

function algorithms(): Finding[] {
  return ALGORITHMS.map(({ name: algorithm }): Finding => {
    try {
      const provider = selectProvider(algorithm).name
      return {
        what: algorithm,
        state: 'ok',
        detail: provider === 'native' ? 'native' : `${provider} (slower than native)`,
      }
    } catch (error) {
      return { what: algorithm, state: 'problem', detail: describeError(error) }
    }
  })
}

async function serialport(): Promise<Finding> {
  try {
    await import('serialport')
    return { what: 'serialport', state: 'ok', detail: 'serial lines can be used' }
  } catch (error) {
    return { what: 'serialport', state: 'missing', detail: `optional, for serial lines: ${describeError(error)}` }
  }
}

async function koffi(): Promise<Finding> {
  try {
    await import('koffi')
    return { what: 'koffi', state: 'ok', detail: 'raw Ethernet can be used (Linux, CAP_NET_RAW)' }
  } catch (error) {
    return { what: 'koffi', state: 'missing', detail: `optional, for raw Ethernet: ${describeError(error)}` }
  }
}

function tools(): Finding[] {
  const uses: readonly (readonly [string, string])[] = [
    ['tshark', 'checks captures and what we send, in tests'],
    ['mbpoll', 'a Modbus master, in tests'],
    ['socat', 'pairs of serial lines, in tests'],
  ]
  return uses.map(([program, use]) => {
    const path = (process.env['PATH'] ?? '')
      .split(delimiter)
      .map((folder) => join(folder, program))
      .find((file) => existsSync(file))
    return { what: program, state: path === undefined ? 'missing' : 'ok', detail: path ?? `optional: ${use}` }
  })
}

async function configuration(file: string): Promise<Finding> {
  try {
    const { config } = await loadConfig(file)
    return { what: 'configuration', state: 'ok', detail: `${file}: ${config.role}` }
  } catch (error) {
    return { what: 'configuration', state: 'problem', detail: describeError(error) }
  }
}
