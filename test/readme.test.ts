import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { ROOT } from './support/requirements.ts'

const text = readFileSync(join(ROOT, 'README.md'), 'utf8')

describe('the README', () => {
  it('links only to files that are there', () => {
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
      expect(existsSync(join(ROOT, target)), target).to.equal(true)
    }
  })

  it('has an embedding example that runs', async () => {
    const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(text) ?? []
    const args = [...process.execArgv, '--input-type=module-typescript', '-e', code]
    const child = spawn(process.execPath, args, { cwd: join(ROOT, 'packages/cli'), stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const [, port] = /listen\((\d+)/.exec(code) ?? []
    try {
      // Read holding registers, unit 1: 40001, ten of them.
      const request = Buffer.from('00010000000601030000000a', 'hex')
      for (let tries = 0; tries < 100 && !output.includes('read'); tries++) {
        await new Promise<void>((resolve) => {
          const socket = connect(Number(port), '127.0.0.1', () => socket.end(request))
          socket.once('close', () => resolve())
          socket.once('error', () => resolve())
        })
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      expect(output).to.match(/^read {2}unit 1 hr\/40001/)
    } finally {
      child.kill()
    }
  })
})
