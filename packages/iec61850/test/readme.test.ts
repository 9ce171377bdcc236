import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { ROOT } from '../../../test/support/requirements.ts'

describe('the README of iec61850', () => {
  it('has an example that runs and says what it promises', () => {
    const folder = join(ROOT, 'packages/iec61850')
    const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(folder, 'README.md'), 'utf8')) ?? []
    const args = [...process.execArgv, '--input-type=module-typescript', '-e', code]
    const output = execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8', timeout: 20_000 })
    expect(output).to.contain("state 1 { kind: 'boolean', value: false }")
    expect(output).to.contain("state 2 { kind: 'boolean', value: true }")
    expect(output).to.contain('the publisher is silent')
  }).timeout(30_000)
})
