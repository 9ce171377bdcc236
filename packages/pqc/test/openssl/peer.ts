import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { needOptional, which } from '../../../../test/support/requirements.ts'

/** Names the `openssl` to test against; otherwise the one on PATH, if it is 3.5 or later. */
export const OPENSSL_VARIABLE = 'GRIDSEAL_OPENSSL'

/** What the tool makes of private keys: its words for our forms. */
export const OUTPUT_FORMATS = { seed: 'seed-only', expanded: 'priv-only', both: 'seed-priv' } as const

/** The command-line tool of OpenSSL, at work in a folder of its own. */
export class OpenSsl {
  readonly version: string
  readonly folder: string = mkdtempSync(join(tmpdir(), 'gridseal-openssl-'))
  readonly #program: string

  constructor(program: string, version: string) {
    this.#program = program
    this.version = version
  }

  /** Standard output of a command that must succeed. Files are named relative to the folder. */
  run(args: readonly string[]): Buffer {
    const { status, stdout, stderr, error } = this.#spawn(args)
    if (error !== undefined) throw error
    if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr.toString()}`)
    return stdout
  }

  /** Whether a command succeeds, and what it says. */
  try(args: readonly string[]): { readonly ok: boolean; readonly text: string } {
    const { status, stdout, stderr } = this.#spawn(args)
    return { ok: status === 0, text: `${stdout.toString()}${stderr.toString()}` }
  }

  write(file: string, content: string | Uint8Array): string {
    writeFileSync(join(this.folder, file), content)
    return file
  }

  read(file: string): Buffer {
    return readFileSync(join(this.folder, file))
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  #spawn(args: readonly string[]): ReturnType<typeof spawnSync> & { stdout: Buffer; stderr: Buffer } {
    return spawnSync(this.#program, args, { cwd: this.folder, maxBuffer: 1 << 24 }) as never
  }
}

/** Skips without OpenSSL 3.5, which Debian 12 does not have; what it wrote is in `fixtures/openssl` and always tested. */
export function needOpenSsl(context: Mocha.Context): OpenSsl {
  const named = process.env[OPENSSL_VARIABLE]
  const program = named ?? which('openssl')
  const version = program === undefined ? undefined : versionOf(program)
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number)
  const recent = major > 3 || (major === 3 && minor >= 5)
  if (named !== undefined && !recent) throw new Error(`${OPENSSL_VARIABLE}=${named} is version ${version}, not 3.5`)
  needOptional(context, recent, `needs openssl 3.5 on PATH or in ${OPENSSL_VARIABLE}; found ${version ?? 'none'}`)
  return new OpenSsl(program!, version!)
}

function versionOf(program: string): string | undefined {
  const { stdout } = spawnSync(program, ['version'], { encoding: 'utf8' })
  return /^OpenSSL (\d+\.\d+\.\d+)/.exec(stdout ?? '')?.[1]
}
